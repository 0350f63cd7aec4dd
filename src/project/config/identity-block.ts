/** The block `project` of the configuration, read leniently, all faults together. */
import { blockOf, pairOf, textOf } from './config-nodes.ts'
import { CONFIG_PATH } from './config.ts'
import type { ConfigReading } from './config.ts'
import { parseUuid } from '../uuid.ts'

/** What the file holds; null for what it doesn't. */
export type IdentityBlock = {
  /** Lower-case, hyphenated, of any version. */
  readonly uuid: string | null
  readonly slug: string | null
  readonly node_id: string | null
  readonly build_id: string | null
  readonly repo_slug: string | null
}

export type IdentityBlockReading =
  | { readonly state: 'read'; readonly block: IdentityBlock }
  | { readonly state: 'unusable'; readonly faults: readonly string[] }

const SLUG_LENGTH_MAX = 200
const NOTHING: IdentityBlock = {
  uuid: null,
  slug: null,
  node_id: null,
  build_id: null,
  repo_slug: null,
}

export function readIdentityBlock(config: ConfigReading): IdentityBlockReading {
  if (config.state === 'absent') return { state: 'read', block: NOTHING }
  if (config.state === 'unusable') {
    const path = CONFIG_PATH.join('/')
    return { state: 'unusable', faults: config.faults.map(({ message }) => `${path}: ${message}`) }
  }
  const map = blockOf(config.document.contents, 'project')
  if (map === null) return { state: 'read', block: NOTHING }
  if (map === 'unusable') {
    return { state: 'unusable', faults: ['project: a mapping is expected, all keys written out'] }
  }
  const faults: string[] = []
  const take = (key: keyof IdentityBlock, expected: string, parse: Parse): string | null => {
    const text = textOf(pairOf(map, key)?.value)
    if (text === null) return null
    const value = text === false ? null : parse(text)
    if (value === null) faults.push(`project.${key}: ${expected} is expected`)
    return value
  }
  const block: IdentityBlock = {
    uuid: take('uuid', 'a UUID other than the nil UUID', parseUuid),
    slug: take('slug', `a line of at most ${SLUG_LENGTH_MAX} characters`, parseSlug),
    node_id: take('node_id', '12 hexadecimal digits', parseNodeId),
    build_id: take('build_id', 'a UUID', parseUuid),
    repo_slug: take('repo_slug', 'a text', parseRepoSlug),
  }
  return faults.length > 0
    ? { state: 'unusable', faults }
    : { state: 'read', block: { ...block, repo_slug: block.repo_slug || null } }
}

type Parse = (text: string) => string | null

function parseSlug(text: string): string | null {
  return text.length <= SLUG_LENGTH_MAX && !/\p{Cc}/u.test(text) ? text : null
}

function parseNodeId(text: string): string | null {
  return /^[0-9a-f]{12}$/i.test(text) ? text.toLowerCase() : null
}

// An override that names no owner is passed over, and is no fault: the derived value stands in for
// it.
function parseRepoSlug(text: string): string {
  const segments = text.split('/')
  const named = segments.length >= 2 && segments.every((segment) => segment.trim() !== '')
  return named && parseSlug(text) !== null ? text : ''
}
