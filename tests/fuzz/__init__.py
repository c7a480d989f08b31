"""Fuzz targets: functions that take any octets and assert what must hold for them."""
