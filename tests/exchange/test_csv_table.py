"""Delimiter, header and columns, found by content."""

from __future__ import annotations

import pytest

from napari_wsss.core.errors import LabelError
from napari_wsss.exchange.csv_table import find_columns, is_label_table, read_table


def table_of(tmp_path, index, text: str):
    path = tmp_path / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return read_table(path, index), path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found_though_labels_hold_other_marks(tmp_path, index, delimiter):
    inner = ";" if delimiter != ";" else "|"
    rows = [["image", "labels"], ["a.jpg", f"cat{inner}dog"], ["b.jpg", "cow"], ["c.png", f"cat{inner}cow"]]
    table, _ = table_of(tmp_path, index, "\n".join(delimiter.join(row) for row in rows))
    assert table.header == ("image", "labels")
    assert table.cells(1) == [f"cat{inner}dog", "cow", f"cat{inner}cow"]


def test_spreadsheet_mark_and_line_numbers(tmp_path, index):
    table, _ = table_of(tmp_path, index, "sep=;\nimage;labels\n\na.jpg;cat\n")
    assert table.rows == ((4, ["a.jpg", "cat"]),)


def test_quoted_cells_with_line_breaks_keep_line_numbers(tmp_path, index):
    table, _ = table_of(tmp_path, index, 'image,labels,note\na.jpg,cat,"two\nlines"\nb.jpg,dog,x\n')
    assert [line for line, _ in table.rows] == [3, 4]


@pytest.mark.parametrize("text", ["a.jpg,cat\nb.jpg,dog\n", "zz,cat\na,cat\nb,dog\n"])
def test_files_without_header(tmp_path, index, text):
    table, path = table_of(tmp_path, index, text)
    assert table.header == ()
    columns = find_columns(table, index, path)
    assert (columns.image, columns.labels) == (0, 1)


def test_header_in_unknown_words_is_still_a_header(tmp_path, index):
    table, path = table_of(tmp_path, index, "Bild,Tier\na,cat\nb,dog\n")
    assert table.header == ("Bild", "Tier")
    assert find_columns(table, index, path).labels == 1


def test_columns_by_name_and_by_content(tmp_path, index):
    text = ",image,width,split,Labels,cat,dog\n0,a.jpg,4,train,cat,1,0\n1,b.jpg,4,val,dog,0,1\n"
    table, path = table_of(tmp_path, index, text)
    columns = find_columns(table, index, path)
    assert (columns.image, columns.labels, columns.split, columns.flags) == (1, 4, 3, (5, 6))
    assert columns.unused == ("width",)


def test_id_column_of_numbers_is_not_taken_for_the_image(tmp_path, index):
    table, path = table_of(tmp_path, index, "id,file,label\n1,a.jpg,cat\n2,b.jpg,dog\n")
    assert find_columns(table, index, path).image == 1


def test_no_label_column_lists_what_was_found(tmp_path, index):
    table, path = table_of(tmp_path, index, "image,width,height\na.jpg,4,3\nb.jpg,4,3\n")
    with pytest.raises(LabelError, match="image, width, height"):
        find_columns(table, index, path)
    assert not is_label_table(path, index)


def test_an_empty_file_is_named(tmp_path, index):
    with pytest.raises(LabelError, match="empty"):
        table_of(tmp_path, index, "\n \n")
