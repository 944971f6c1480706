"""Days and times in Chinese: the names of config.formats.en."""

DATE_FORMAT = "Y年n月j日"
DATETIME_FORMAT = "Y年n月j日 H:i"
TIME_FORMAT = "H:i"
YEAR_MONTH_FORMAT = "Y年n月"
MONTH_DAY_FORMAT = "n月j日"
SHORT_DATE_FORMAT = "Y-m-d"
SHORT_DATETIME_FORMAT = "Y-m-d H:i"

MONTH_DAY_TIME_FORMAT = "n月j日 H:i"
SHORT_MONTH_DAY_FORMAT = "n月j日"
SHORT_MONTH_DAY_TIME_FORMAT = "n月j日 H:i"
SHORT_MONTH_DAY_SECOND_FORMAT = "n月j日 H:i:s"

THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
