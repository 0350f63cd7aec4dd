/** UUIDs as the project's files hold them: a lenient reader, one spelling, and the id of a build. */
import { hyphenate } from '../contracts/values/event-id.ts'
import { uuidV5 } from '../contracts/values/uuid-v5.ts'

const NIL = '00000000-0000-0000-0000-000000000000'
const HYPHENATED = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const NAMESPACE_URL = '6ba7b811-9dad-11d1-80b4-00c04fd430c8'

/**
 * A UUID in lower case with hyphens. Upper case, `urn:uuid:`, braces and 32 bare digits are
 * understood; the nil UUID and anything else is null.
 */
export function parseUuid(text: string): string | null {
  let digits = text
    .trim()
    .toLowerCase()
    .replace(/^urn:uuid:/, '')
  if (digits.startsWith('{') && digits.endsWith('}')) digits = digits.slice(1, -1)
  const uuid = /^[0-9a-f]{32}$/.test(digits) ? hyphenate(digits) : digits
  return HYPHENATED.test(uuid) && uuid !== NIL ? uuid : null
}

/** The build of a project on a node. The name below is the field's, so that all tools get the same id. */
export function buildIdOf(projectUuid: string, nodeId: string): string {
  const namespace = uuidV5(NAMESPACE_URL, 'spec-kitty:identity:build_id')
  return uuidV5(namespace, `${projectUuid}:${nodeId}`)
}
