/** What a field's name says: removed, a session's time, a secret's key, or a type that exempts a value of its form. */
import { canonicalView } from './canonical-view.ts'
import type { SecretKeyKind } from './rules/secret-values.ts'

export type FieldRole = 'plain' | 'removed' | 'session_start' | 'session_end'

export type TypedForm = {
  readonly form: RegExp
  /** `exact`: a value of this form can't hold anything personal. `slug`: it could be a secret, but not a name. */
  readonly exemption: 'exact' | 'slug'
}

export const SESSION_DURATION = 'session_duration_s'

const REMOVED: ReadonlySet<string> = new Set([
  'machinename',
  'hostname',
  'workspacepath',
  'developername',
  'developeremail',
])

/** The role of a field in any case style: `machine_name`, `machineName`, `MACHINE-NAME`. */
export function roleOf(key: string): FieldRole {
  const name = normalized(key)
  if (REMOVED.has(name)) return 'removed'
  if (name === 'sessionstartedat') return 'session_start'
  return name === 'sessionendedat' ? 'session_end' : 'plain'
}

/** The name of a field without case and separators. */
function normalized(key: string): string {
  return (canonicalView(key)?.text ?? key).toLowerCase().replace(/[-_.\s]/g, '')
}

const SECRET_WORDS =
  'password|passwd|passphrase|passcode|pwd|secret|token|credentials?|authorization|cookie|(?:api|access|account|auth|secret|private|signing|encryption|client)key'
const SECRET_KEY = new RegExp(`(?:${SECRET_WORDS}|^auth)$`)
const SECRET_WORD = new RegExp(SECRET_WORDS)
const PASSWORD_KEY = /(?:password|passwd|passphrase|passcode|pwd)$/

/** Which values of a field are secrets, by its name. */
export function secretKindOf(key: string): SecretKeyKind | null {
  const name = normalized(key)
  if (PASSWORD_KEY.test(name)) return 'password'
  if (SECRET_KEY.test(name)) return 'opaque'
  return SECRET_WORD.test(name) ? 'random' : null
}

const ULID = '[0-7][0-9A-HJKMNP-TV-Z]{25}'
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
const ANY_ID = exact(`${ULID}|${UUID}|[0-9a-f]{12}|[0-9a-f]{32}|WP[0-9]{1,4}`)
const HASH = exact('(?:sha(?:1|256|512)[:-])?[0-9a-f]{7,128}')
const INSTANT = exact(
  '\\d{4}-\\d{2}-\\d{2}(?:[T ]\\d{2}:\\d{2}(?::\\d{2}(?:\\.\\d{1,9})?)?(?:Z|[+-]\\d{2}:?\\d{2})?)?',
)
const SEMVER = exact('\\d{1,5}\\.\\d{1,5}\\.\\d{1,5}')
const NODE_ID = exact('[0-9a-f]{12}')
const BUILD_ID = exact(`${UUID}|unknown`)
const LANE = exact(
  'genesis|planned|claimed|in_progress|for_review|in_review|approved|done|blocked|canceled|uninitialized',
)
const EVENT_TYPE = exact('[A-Z][A-Za-z0-9]{1,63}')
const WORK_PACKAGE = exact('WP[0-9]{1,4}')
const ACTOR_TYPE = exact('human|llm|service')
const EXECUTION_MODE = exact('worktree|direct_repo')
const SLUG: TypedForm = {
  form: /^[a-z0-9]{1,64}(?:[-_.][A-Za-z0-9]{1,64}){0,24}$/,
  exemption: 'slug',
}
const REPOSITORY_SLUG: TypedForm = { form: /^[\w.-]{1,64}\/[\w.-]{1,100}$/, exemption: 'slug' }
const ID_OR_SLUG: TypedForm = {
  form: new RegExp(
    `^(?:${ULID}|${UUID}|[a-z0-9]{1,64}(?:[-_.][A-Za-z0-9]{1,64}){0,24}|WP[0-9]{1,4})$`,
  ),
  exemption: 'slug',
}

function exact(source: string): TypedForm {
  return { form: new RegExp(`^(?:${source})$`), exemption: 'exact' }
}

/** By the exact names of the wire and ledger schemas. */
const FORM_BY_KEY: ReadonlyMap<string, TypedForm> = new Map([
  ['node_id', NODE_ID],
  ['build_id', BUILD_ID],
  ['schema_version', SEMVER],
  ['event_type', EVENT_TYPE],
  ['aggregate_type', EVENT_TYPE],
  ['type', EVENT_TYPE],
  ['aggregate_id', ID_OR_SLUG],
  ['mission_id', ID_OR_SLUG],
  ['wp_id', WORK_PACKAGE],
  ['from_lane', LANE],
  ['to_lane', LANE],
  ['actor_type', ACTOR_TYPE],
  ['execution_mode', EXECUTION_MODE],
  ['project_slug', SLUG],
  ['mission_slug', SLUG],
  ['feature_slug', SLUG],
  ['team_slug', SLUG],
  ['mission', SLUG],
  ['repo_slug', REPOSITORY_SLUG],
  ['timestamp', INSTANT],
  ['at', INSTANT],
  ['commit', HASH],
  ['git_hash', HASH],
  ['sha', HASH],
  ['sha256', HASH],
  ['checksum', HASH],
  ['digest', HASH],
  ['uuid', ANY_ID],
  ['id', ANY_ID],
])

const FORM_BY_ENDING: readonly (readonly [ending: RegExp, typed: TypedForm])[] = [
  [/_(?:hash|sha|sha256|oid|commit|checksum|digest)$/, HASH],
  [/_at$/, INSTANT],
  [/_(?:id|uuid)$/, ANY_ID],
]

/** The form that exempts a value of this field, or null. Session times are never exempt. */
export function typedFormOf(key: string): TypedForm | null {
  const form = FORM_BY_KEY.get(key)
  if (form !== undefined) return form
  return FORM_BY_ENDING.find(([ending]) => ending.test(key))?.[1] ?? null
}
