/** What makes a value a secret when a key says that it may be one; shared by the rules on text and by fields. */
import { looksRandom } from './random-secrets.ts'

/**
 * A password may be any word. A token, a key or a secret is no word of prose. Of a field that only mentions one we
 * expect that its value looks random.
 */
export type SecretKeyKind = 'password' | 'opaque' | 'random'

const PLACEHOLDER_WORD =
  /^(?:null|none|nil|undefined|true|false|yes|no|on|off|str|string|bytes|int|number|bool|boolean|any|object|optional|required|redacted|removed|hidden|masked|secret|token|password|passwd|pwd|key|value|self|changeme|change_me|xxx+|your[-_a-z]*|my[-_][-_a-z]*|example|test)$/i
const NOT_A_VALUE =
  /^(?:[<$%*.\-{[(]|os\.|env\.|process\.|secrets\.|settings\.|config\.|self\.|this\.)/
const WORD = /^[\w+/=-]+$/
const CODE = /^[A-Za-z_][\w.]*(?:\(|\[)|^[A-Za-z_]+(?:\.[A-Za-z_]+)+$/

/** True for what stands where a value would: a type, a variable, a call, a word of documentation. */
export function isStandIn(value: string): boolean {
  return value === '' || PLACEHOLDER_WORD.test(value) || NOT_A_VALUE.test(value) || CODE.test(value)
}

/** True for a word that no one writes in prose: letters and digits mixed, or mixed case, or base64 signs. */
export function isOpaque(value: string): boolean {
  if (value.length < 6) return false
  if (/[0-9]/.test(value) && /[A-Za-z]/.test(value)) return true
  if (value.length >= 8 && /[a-z][A-Z]/.test(value) && /[A-Z][a-z]/.test(value)) return true
  return /[+=!#^*&]/.test(value)
}

/** Whether the whole value of a secret's key must go. `value` has no quotes around it. */
export function isSecretValue(value: string, kind: SecretKeyKind): boolean {
  if (isStandIn(value)) return false
  if (kind === 'password') return true
  if (kind === 'random') return WORD.test(value) && looksRandom(value)
  return !/\s/.test(value) && (isOpaque(value) || value.length >= 24)
}
