/** The words that stand where something was removed. They are never touched again, so cleaning twice changes nothing. */

export const HOME = '<home>'
export const PATH = '<path>'
export const EMAIL = '<email>'
export const HOST = '<host>'
export const USER = '<user>'
export const NAME = '<name>'
export const IP = '<ip>'
export const CREDENTIAL = '<secret:credential>'
export const GENERIC_SECRET = '<secret:generic>'

/** Which secret it was. A closed list: whatever else stands in angle brackets is ordinary text. */
const SECRET_KINDS = [
  'anthropic',
  'aws',
  'credential',
  'generic',
  'github',
  'gitlab',
  'google',
  'huggingface',
  'jwt',
  'kittiwake',
  'npm',
  'openai',
  'private-key',
  'pypi',
  'sendgrid',
  'slack',
  'stripe',
  'token',
] as const

export type SecretKind = (typeof SECRET_KINDS)[number]

const PLACEHOLDER = new RegExp(
  `<(?:home|path|email|host|user|name|ip|secret:(?:${SECRET_KINDS.join('|')}))(?:#\\d{1,7})?>`,
  'y',
)
const LENGTH_MAX = 40

/** A secret's placeholder by its kind. */
export function secretOf(kind: SecretKind): string {
  return `<secret:${kind}>`
}

/** `<email>` for the first of a document, `<email#2>` for the second. */
export function numbered(placeholder: string, ordinal: number): string {
  return ordinal === 1 ? placeholder : `${placeholder.slice(0, -1)}#${ordinal}>`
}

/** True where the span lies inside a placeholder that stands in the text. */
export function isInsidePlaceholder(text: string, start: number, end: number): boolean {
  const from = Math.max(0, start - LENGTH_MAX)
  // A bounded look back: a search over the whole text would be quadratic over many hits.
  const open = text.slice(from, start + 1).lastIndexOf('<')
  if (open < 0) return false
  PLACEHOLDER.lastIndex = from + open
  return PLACEHOLDER.test(text) && PLACEHOLDER.lastIndex >= end
}
