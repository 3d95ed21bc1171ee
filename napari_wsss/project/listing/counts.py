"""The counts that triggers keep (`schema.COUNTED`), counted again from the labels themselves."""

from collections.abc import Iterator

from napari_wsss.project.database import Database

_OF_IMAGES = (
    "FROM images LEFT JOIN (SELECT image, count(*) AS many FROM labels GROUP BY image) ON image = number "
    "WHERE label_count != coalesce(many, 0)"
)
_COUNTED = "SELECT state, class, count(*) FROM labels JOIN images ON number = image GROUP BY state, class"
_SHOWN = 3


def miscounted(database: Database) -> Iterator[str]:
    """Yield what is kept otherwise than it is, as sentences."""
    wrong = int(database.value(f"SELECT count(*) {_OF_IMAGES}"))
    if wrong:
        ids = ", ".join(database.column(f"SELECT id {_OF_IMAGES} ORDER BY number LIMIT {_SHOWN}"))
        yield f"The kept number of labels is wrong of {wrong} images ({ids}{', ...' if wrong > _SHOWN else ''})."
    rows = database.rows("SELECT state, class, many FROM class_counts")
    kept = {(state, class_): many for state, class_, many in rows}
    found = {(state, class_): many for state, class_, many in database.rows(_COUNTED)}
    differing = [key for key in sorted({*kept, *found}) if kept.get(key, 0) != found.get(key, 0)]
    if differing:
        state, class_ = differing[0]
        yield (
            f"The kept number of images of a class is wrong {len(differing)} times: for class {class_} among the "
            f"images in state {state} it is {kept.get(differing[0], 0)}, and {found.get(differing[0], 0)} have it."
        )


def recount(database: Database) -> None:
    """Keep the numbers that are true."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE images SET label_count = (SELECT count(*) FROM labels WHERE image = number) "
            f"WHERE number IN (SELECT number {_OF_IMAGES})"
        )
        connection.execute("DELETE FROM class_counts")
        connection.execute(f"INSERT INTO class_counts {_COUNTED}")
