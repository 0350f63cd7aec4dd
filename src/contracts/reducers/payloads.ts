/** Payloads as the folds take them: judged by the models of the contracts, with what was absent filled in. */
import type { z } from 'zod'
import { isEventType } from '../event-types.ts'
import { participantIdentity, focusTarget } from '../families/collaboration.ts'
import { localNamespaceTuple } from '../families/dossier.ts'
import { isJsonObject } from '../json.ts'
import type { Json, JsonObject } from '../json.ts'
import { parsePayload } from '../judge.ts'
import type { FromLane } from '../lanes.ts'
import { canonicalLane } from '../wire-lanes.ts'

export type ReadPayload =
  | { readonly ok: true; readonly payload: JsonObject }
  | { readonly ok: false; readonly path: string; readonly detail: string }

/** Total. A name without a payload, as the reserved ones, takes any. */
export function readPayload(type: string, payload: JsonObject): ReadPayload {
  if (!isEventType(type)) return { ok: true, payload }
  const parsed = parsePayload(type, payload)
  // JSON came in, and models add nothing else.
  if (parsed.ok) return { ok: true, payload: parsed.payload as JsonObject }
  const [first] = parsed.violations
  return {
    ok: false,
    path: first?.path.join('.') ?? '',
    detail: first?.message ?? 'the payload is not valid',
  }
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
