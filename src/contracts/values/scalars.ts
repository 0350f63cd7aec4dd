/** What the texts of the contracts must look like beside their type. Pure, and shared by both layers of the validation. */

/** Has a character that isn't white space; which characters are is the contract's word, not this language's. */
export const NOT_BLANK = String.raw`[^\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]`
export const UUID_PATTERN =
  '^(?:[0-9a-fA-F]{32}|\\{[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\\}' +
  '|(?:urn:uuid:)?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$'

const HEX_UUID = new RegExp(UUID_PATTERN)
const NOT_BLANK_TEXT = new RegExp(NOT_BLANK)

/** Hyphenated, bare, in braces or as a URN; of any version. */
export function isUuid(text: string): boolean {
  return HEX_UUID.test(text)
}

/** As browsers read it, with a host. */
export function isHttpUrl(text: string): boolean {
  // What stands around it is trimmed by the reader.
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return (protocol === 'http:' || protocol === 'https:') && hostname !== ''
}

/** One that isn't empty. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

export function isBlank(text: string): boolean {
  return !NOT_BLANK_TEXT.test(text)
}
