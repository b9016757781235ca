/* SPDX-License-Identifier: MIT */
/* ICU decides; here is only the way to it, by UTF-16. */

#include "services/messaging/emoji.h"

#include <unicode/uchar.h>
#include <unicode/ustring.h>

enum { UNITS = 40, SHOW_AS_EMOJI = 0xFE0F };

static bool is_emoji(const UChar *units, int32_t n)
{
    return u_stringHasBinaryProperty(units, n, UCHAR_RGI_EMOJI);
}

bool emoji_qualify(const char *text, char out[EMOJI_SIZE])
{
    UChar units[UNITS + 1];
    int32_t n;
    UErrorCode status = U_ZERO_ERROR;
    u_strFromUTF8(units, UNITS, &n, text, -1, &status);
    if (U_FAILURE(status))
        return false;
    if (!is_emoji(units, n)) {
        units[n++] = SHOW_AS_EMOJI;
        if (!is_emoji(units, n))
            return false;
    }
    u_strToUTF8(out, EMOJI_SIZE, NULL, units, n, &status);
    return U_SUCCESS(status) && status != U_STRING_NOT_TERMINATED_WARNING;
}
