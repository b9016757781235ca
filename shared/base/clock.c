/* SPDX-License-Identifier: MIT
 *
 * Two clocks, and RFC 3339 in both directions. The calendar is computed here and not by gmtime(),
 * whose time zone lock would be taken for every message of a page. The calendar counts years from
 * the first of March, so that a leap day is a year's last day. */

#include "shared/base/clock.h"

#include "shared/base/str.h"

#include <string.h>
#include <time.h>

enum {
    US_PER_SECOND = 1000000,
    SECONDS_PER_DAY = 86400,
    DAYS_PER_ERA = 146097,  /* 400 years, after which the calendar repeats */
    DAYS_TO_EPOCH = 719468, /* from 0000-03-01 to 1970-01-01 */
};

#define YEAR_1_US     (INT64_C(-62135596800) * US_PER_SECOND)
#define YEAR_10000_US (INT64_C(253402300800) * US_PER_SECOND)

struct date {
    int64_t year;
    int month; /* 1 .. 12 */
    int day;   /* 1 .. 31 */
};

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

int64_t clock_us(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t mono_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* Days before the given day of a year that begins in March (month 0): the lengths 31 30 31 30 31
 * repeat every five months, which the fraction 153/5 reproduces. */
static int days_in_march_year(int march_month, int day)
{
    return (153 * march_month + 2) / 5 + day - 1;
}

static int64_t days_from_date(struct date d)
{
    int march_month = (d.month + 9) % 12;
    int64_t year = d.year - (d.month <= 2);
    int64_t era = year / 400;
    int64_t of_era = year % 400;
    int64_t days =
        of_era * 365 + of_era / 4 - of_era / 100 + days_in_march_year(march_month, d.day);
    return era * DAYS_PER_ERA + days - DAYS_TO_EPOCH;
}

/* For days from 0000-03-01 on, which the callers' clamping guarantees. */
static struct date date_from_days(int64_t days)
{
    int64_t shifted = days + DAYS_TO_EPOCH;
    int64_t era = shifted / DAYS_PER_ERA;
    int64_t of_era = shifted % DAYS_PER_ERA;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int of_year = (int)(of_era - (365 * year + year / 4 - year / 100));
    int march_month = (5 * of_year + 2) / 153;
    struct date d = {
        .year = era * 400 + year,
        .month = (march_month + 2) % 12 + 1,
        .day = of_year - days_in_march_year(march_month, 1) + 1,
    };
    d.year += d.month <= 2;
    return d;
}

static int64_t clamp(int64_t us)
{
    if (us < YEAR_1_US)
        return YEAR_1_US;
    return us < YEAR_10000_US ? us : YEAR_10000_US - 1;
}

static char *put_digits(char *at, int64_t value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + width;
}

void time_format_rfc3339(int64_t us, char out[TIME_TEXT_SIZE])
{
    /* Counted from year 1, so that division truncates downwards. */
    int64_t since = clamp(us) - YEAR_1_US;
    int64_t day_us = (int64_t)SECONDS_PER_DAY * US_PER_SECOND;
    struct date d = date_from_days(since / day_us + YEAR_1_US / day_us);
    int64_t ms = since % day_us / 1000;

    char *at = put_digits(out, d.year, 4);
    *at++ = '-';
    at = put_digits(at, d.month, 2);
    *at++ = '-';
    at = put_digits(at, d.day, 2);
    *at++ = 'T';
    at = put_digits(at, ms / 3600000, 2);
    *at++ = ':';
    at = put_digits(at, ms / 60000 % 60, 2);
    *at++ = ':';
    at = put_digits(at, ms / 1000 % 60, 2);
    *at++ = '.';
    at = put_digits(at, ms % 1000, 3);
    *at++ = 'Z';
    *at = '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes exactly width digits within min .. max. */
static bool take_number(const char **s, int width, int min, int max, int *ret_value)
{
    int value = 0;
    for (int i = 0; i < width; i++) {
        if (!is_digit((*s)[i]))
            return false;
        value = value * 10 + ((*s)[i] - '0');
    }
    *s += width;
    *ret_value = value;
    return value >= min && value <= max;
}

static bool take_char(const char **s, const char *one_of)
{
    if (**s == '\0' || strchr(one_of, **s) == NULL)
        return false;
    ++*s;
    return true;
}

static int days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap);
}

static bool take_date(const char **s, int64_t *ret_days)
{
    int year = 0;
    int month = 0;
    int day = 0;
    bool ok = take_number(s, 4, 1, 9999, &year) && take_char(s, "-") &&
              take_number(s, 2, 1, 12, &month) && take_char(s, "-") &&
              take_number(s, 2, 1, 31, &day) && day <= days_in_month(year, month);
    if (!ok)
        return false;
    *ret_days = days_from_date((struct date){.year = year, .month = month, .day = day});
    return true;
}

static bool take_fraction(const char **s, int64_t *ret_us)
{
    *ret_us = 0;
    if (!take_char(s, "."))
        return true;
    int digits = 0;
    int64_t unit = US_PER_SECOND;
    for (; is_digit(**s); ++*s, digits++) {
        unit /= 10;
        *ret_us += unit * (**s - '0');
    }
    return digits >= 1 && digits <= 9;
}

/* A leap second (60) is read as the second after it, as the UTC clock of a computer does. */
static bool take_time(const char **s, int64_t *ret_us)
{
    int hour = 0;
    int minute = 0;
    int second = 0;
    int64_t fraction = 0;
    bool ok = take_number(s, 2, 0, 23, &hour) && take_char(s, ":") &&
              take_number(s, 2, 0, 59, &minute) && take_char(s, ":") &&
              take_number(s, 2, 0, 60, &second) && take_fraction(s, &fraction);
    if (!ok)
        return false;
    *ret_us = (int64_t)(hour * 3600 + minute * 60 + second) * US_PER_SECOND + fraction;
    return true;
}

static bool take_offset(const char **s, int64_t *ret_us)
{
    *ret_us = 0;
    if (take_char(s, "Zz"))
        return true;
    int sign = **s == '-' ? -1 : 1;
    int hour = 0;
    int minute = 0;
    bool ok = take_char(s, "+-") && take_number(s, 2, 0, 23, &hour) && take_char(s, ":") &&
              take_number(s, 2, 0, 59, &minute);
    *ret_us = (int64_t)sign * (hour * 60 + minute) * 60 * US_PER_SECOND;
    return ok;
}

bool time_parse_rfc3339(const char *text, int64_t *ret_us)
{
    int64_t days = 0;
    int64_t time = 0;
    int64_t offset = 0;
    bool ok = take_date(&text, &days) && take_char(&text, "Tt ") && take_time(&text, &time) &&
              take_offset(&text, &offset) && *text == '\0';
    if (!ok)
        return false;
    *ret_us = days * SECONDS_PER_DAY * US_PER_SECOND + time - offset;
    return true;
}
