"""The image on the table: its picture, the mask under a person's hands, its saving, and the queue it comes from."""
