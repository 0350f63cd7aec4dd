/** Payloads as the folds take them: judged by the models of the contracts, and read as they read them. */
import type { z } from 'zod'
import { isEventType } from '../event-types.ts'
import { participantIdentity, focusTarget } from '../families/collaboration.ts'
import { localNamespaceTuple } from '../families/dossier.ts'
import { isJsonObject } from '../json/json.ts'
import type { Json, JsonObject } from '../json/json.ts'
import { parsePayload } from '../judge.ts'
import type { FromLane } from '../ledgers/lanes.ts'
import { canonicalLane } from '../wire-lanes.ts'

export type ReadPayload =
  | { readonly ok: true; readonly payload: JsonObject }
  | { readonly ok: false; readonly path: string; readonly detail: string }

/** Total. A name without a payload, as the reserved ones, takes any. */
export function readPayload(type: string, payload: JsonObject): ReadPayload {
  if (!isEventType(type)) return { ok: true, payload }
  const parsed = parsePayload(type, payload)
  // What the model adds is null or empty, which is how the folds take what is absent; so the caller's own object serves.
  if (parsed.ok) {
    return { ok: true, payload: isAsRead(payload) ? payload : (parsed.payload as JsonObject) }
  }
  const [first] = parsed.violations
  return {
    ok: false,
    path: first?.path.join('.') ?? '',
    detail: first?.message ?? 'the payload is not valid',
  }
}

/** Whether the model reads the payload as it is: no alias of a lane, and an origin where there may be one. */
function isAsRead(payload: JsonObject): boolean {
  const { to_lane: to, from_lane: from } = payload
  if (to !== undefined || from !== undefined) {
    return (to ?? null) === resolveLane(to) && (from ?? null) === resolveLane(from)
  }
  return payload['decision_point_id'] === undefined || payload['origin_surface'] !== undefined
}

/** A lane, the one that an alias stands for, or null. */
export function resolveLane(value: Json | undefined): FromLane | null {
  return typeof value === 'string' ? canonicalLane(value) : null
}

export function isParticipant(value: Json | undefined): value is JsonObject {
  return isValid(participantIdentity, value)
}

export function isFocusTarget(value: Json | undefined): value is JsonObject {
  return isValid(focusTarget, value)
}

export function isNamespace(value: Json | undefined): value is JsonObject {
  return isValid(localNamespaceTuple, value)
}

function isValid(model: z.ZodType, value: Json | undefined): value is JsonObject {
  return isJsonObject(value) && model.safeParse(value).success
}
