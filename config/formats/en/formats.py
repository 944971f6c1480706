"""Days and times in English. Those below the blank line are our own: a column without a year."""

DATE_FORMAT = "j F Y"
DATETIME_FORMAT = "j F Y, H:i"
TIME_FORMAT = "H:i"
YEAR_MONTH_FORMAT = "F Y"
MONTH_DAY_FORMAT = "j F"
SHORT_DATE_FORMAT = "j M Y"
SHORT_DATETIME_FORMAT = "j M Y, H:i"

MONTH_DAY_TIME_FORMAT = "j F, H:i"
SHORT_MONTH_DAY_FORMAT = "j M"
SHORT_MONTH_DAY_TIME_FORMAT = "j M, H:i"
SHORT_MONTH_DAY_SECOND_FORMAT = "j M, H:i:s"
