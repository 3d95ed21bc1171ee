"""One visible loop per trained thing and one short generator per other stage; may import what `training` may."""
