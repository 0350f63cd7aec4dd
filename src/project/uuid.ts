/**
 * UUIDs as the project's files hold them: a lenient reader, one spelling, and version 5 by name.
 */
import { createHash } from 'node:crypto'

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

/** The name-based UUID (version 5, SHA-1) of RFC 9562. */
export function uuidV5(namespace: string, name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name, 'utf8')
    .digest()
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6)
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8)
  return hyphenate(hash.toString('hex', 0, 16))
}

/**
 * The build of a project on a node. The name below is the field's, so that all tools get the same
 * id.
 */
export function buildIdOf(projectUuid: string, nodeId: string): string {
  const namespace = uuidV5(NAMESPACE_URL, 'spec-kitty:identity:build_id')
  return uuidV5(namespace, `${projectUuid}:${nodeId}`)
}

function hyphenate(hex: string): string {
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-')
}
