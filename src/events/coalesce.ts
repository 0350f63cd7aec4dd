/**
 * Which events are snapshots: the newest of one thing says all that the older ones said. Pure. Other types tell of what
 * happened, and each of them counts.
 */
import { isJsonObject, type JsonObject } from '../contracts/json/json.ts'

/** Where the parts of the key stand in the payload. */
const KEY_PATHS_BY_TYPE: ReadonlyMap<string, readonly (readonly [string, string])[]> = new Map([
  [
    'MissionDossierArtifactIndexed',
    [
      ['namespace', 'project_uuid'],
      ['namespace', 'mission_slug'],
      ['artifact_id', 'path'],
    ],
  ],
  [
    'MissionDossierSnapshotComputed',
    [
      ['namespace', 'project_uuid'],
      ['namespace', 'mission_slug'],
    ],
  ],
])

/** Where the sanitizer has put a placeholder, different things read the same. */
const NAMES_ONE_THING = /^[^<>]+$/

/** Null where the event is no snapshot, or doesn't say of what. */
export function coalesceKeyOf(event: JsonObject): string | null {
  const type = event['event_type']
  const paths = typeof type === 'string' ? KEY_PATHS_BY_TYPE.get(type) : undefined
  const payload = event['payload']
  if (paths === undefined || !isJsonObject(payload)) return null
  const parts = paths.map(([outer, inner]) => {
    const object = payload[outer]
    const part = isJsonObject(object) ? object[inner] : undefined
    return typeof part === 'string' && NAMES_ONE_THING.test(part) ? part : null
  })
  return parts.includes(null) ? null : JSON.stringify([type, ...parts])
}
