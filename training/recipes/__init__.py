"""One visible loop per trained thing; may import what `training` may."""
