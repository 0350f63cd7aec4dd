/** The text of what we send: the stored bytes themselves, plus what only the wire carries. */
import type { StrictDialect } from '../../contracts/wire/frames.ts'
import { encodeJson, parseJsonObject } from '../../contracts/json/json.ts'
import type { Json, JsonObject } from '../../contracts/json/json.ts'
import { ID_KEY_BY_TYPE } from '../../contracts/wire/ledger-frame.ts'
import type { Sink } from './protocol.ts'

/** One stored frame and what it is of. */
export type OutgoingItem = {
  /** Event id, git hash, or the id that another frame of the ledger has. */
  readonly id: string
  readonly projectUuid: string
  /** One JSON object, compact; of the events the stored body, of the commits the whole frame. */
  readonly frame: string
}

export type Composed = { readonly text: string; readonly buildId: string | null }

export type Strict = { readonly dialect: StrictDialect; readonly target: string }

/** The frame to send, or null where the stored text is not what the item says it is. */
export function composeFrame(
  sink: Sink,
  item: OutgoingItem,
  strict: Strict | null,
): Composed | null {
  const composed = composeBody(sink, item, strict)
  if (composed === null || sink === 'commits') return composed
  // An envelope's keys all sort before `type`, so the order stays canonical.
  return { ...composed, text: `${composed.text.slice(0, -1)},"type":"event"}` }
}

/** As it stands among others in an array; of the events without their `type`. */
export function composeBody(
  sink: Sink,
  item: OutgoingItem,
  strict: Strict | null,
): Composed | null {
  try {
    if (strict === null && sink === 'events') return { text: checkBody(item), buildId: null }
    const frame = parseJsonObject(item.frame, item.frame.length)
    const buildId = frame['build_id']
    if (frame['project_uuid'] !== item.projectUuid || typeof buildId !== 'string') return null
    const key = sink === 'events' ? 'event_id' : idKeyOf(frame['type'])
    if (frame[key] !== item.id) return null
    if (strict === null) return { text: item.frame, buildId }
    // Of the ledger the stricter dialect knows commits alone.
    if (key !== 'event_id' && key !== 'git_hash') return null
    return { text: encodeJson(admit(sink, item.id, frame, buildId, strict)), buildId }
  } catch {
    return null
  }
}

function idKeyOf(type: Json | undefined): string {
  const isNamed = typeof type === 'string' && Object.hasOwn(ID_KEY_BY_TYPE, type)
  return (isNamed ? ID_KEY_BY_TYPE[type] : undefined) ?? 'git_hash'
}

// The hot path: no parse.
function checkBody(item: OutgoingItem): string {
  const { frame } = item
  const isItself =
    frame.startsWith('{"') &&
    frame.endsWith('}') &&
    frame.includes(`"event_id":"${item.id}"`) &&
    frame.includes(`"project_uuid":"${item.projectUuid}"`)
  if (!isItself) throw new TypeError('not the stored body of this event')
  return frame
}

// A stored frame that already carries an admission was admitted elsewhere: it is not re-admitted here.
function admit(
  sink: Sink,
  id: string,
  frame: JsonObject,
  buildId: string,
  strict: Strict,
): JsonObject {
  if ('admission_generation' in frame || 'binding_audience' in frame) {
    throw new TypeError('already admitted')
  }
  return {
    ...frame,
    ...(sink === 'commits' ? { type: 'LocalCommit' } : {}),
    ...strict.dialect,
    spec_kitty_delivery_identity:
      sink === 'events' ? id : `local-commit:${strict.target}:${buildId}:${id}`,
  }
}
