"""The errors a person can act on.

Every message says what was found, what was expected and what to do. What a window could offer as a choice
travels beside the message as data, so that no core module needs to know that dialogs exist.
"""

from collections.abc import Sequence


class WsssError(Exception):
    """Base of all errors raised on purpose; ``str(error)`` can be shown to a labeler as it is."""


class ProjectError(WsssError):
    """A project folder, image or mask on disk cannot be used as it is.

    Parameters
    ----------
    message : str
        What was found, what was expected, what to do.
    read_only_possible : bool
        True when opening the project read-only would work (another process holds its lock).
    update_possible : bool
        True when opening the project for writing would bring it up to date.
    take_over_possible : bool
        True when a person may know better whether the holder of its lock still lives.
    """

    def __init__(
        self,
        message: str,
        *,
        read_only_possible: bool = False,
        update_possible: bool = False,
        take_over_possible: bool = False,
    ) -> None:
        super().__init__(message)
        self.read_only_possible = read_only_possible
        self.update_possible = update_possible
        self.take_over_possible = take_over_possible


class LabelError(WsssError):
    """Image-level labels or class names do not fit together."""


class ParameterError(WsssError):
    """A parameter is unknown, of the wrong type or out of bounds.

    Parameters
    ----------
    message : str
        What was found, what was expected, what to do.
    name : str
        The offending parameter, so that a form can mark its field.
    """

    def __init__(self, message: str, *, name: str = "") -> None:
        super().__init__(message)
        self.name = name


class WeightsError(WsssError):
    """A weights file cannot be read or does not fit the network.

    Parameters
    ----------
    message : str
        What was found, what was expected, what to do.
    candidates : sequence of str
        Names of weights or methods that would fit, best first.
    """

    def __init__(self, message: str, *, candidates: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)


class StepError(WsssError):
    """A stage of the pipeline cannot run on what it was given.

    Parameters
    ----------
    message : str
        What was found, what was expected, what to do.
    missing : sequence of str
        What the step needs and does not have (an extra to install, a kind of input).
    instead : str
        The method that comes nearest and does not need it, "" when there is none.
    """

    def __init__(self, message: str, *, missing: Sequence[str] = (), instead: str = "") -> None:
        super().__init__(message)
        self.missing = tuple(missing)
        self.instead = instead
