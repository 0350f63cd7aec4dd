/** The ids of an envelope: a ULID or a UUID in any of its spellings, and the one spelling that counts. */

import { EVENT_ID_PATTERN } from '../event.ts'

/** Any spelling; for readers of JSON Schema. */
export const ANY_ID_PATTERN =
  '^(?:[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{26}|[0-9a-fA-F]{32}' +
  '|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})$'

// Without the flag `i`: by Unicode's case folding it would take a long s for an S, and a Kelvin sign for a K.
const ULID = /^[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{26}$/
const BARE_UUID = /^[0-9a-fA-F]{32}$/
const UUID = /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/

/** A ULID in upper case, a UUID in lower case with hyphens; null where it is no id. */
export function normaliseId(text: string): string | null {
  if (EVENT_ID_PATTERN.test(text)) return text
  if (ULID.test(text)) return text.toUpperCase()
  if (UUID.test(text)) return text.toLowerCase()
  if (!BARE_UUID.test(text)) return null
  return hyphenate(text.toLowerCase())
}

/** Of the 32 digits of a UUID. */
export function hyphenate(digits: string): string {
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
