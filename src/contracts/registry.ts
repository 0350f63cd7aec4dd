/** What is known of each event type, its payload's model with it. The only way from a name to a model. */
import type { z } from 'zod'
import { EVENT_TYPES, isEventType, type EventTypeFacts, type EventTypeName } from './event-types.ts'
import { analytics } from './families/analytics.ts'
import { artifactLifecycle } from './families/artifact-lifecycle.ts'
import { build } from './families/build.ts'
import { collaboration } from './families/collaboration.ts'
import { connector } from './families/connector.ts'
import { decisionpoint } from './families/decisionpoint.ts'
import { dossier } from './families/dossier.ts'
import { gates } from './families/gates.ts'
import { glossary } from './families/glossary.ts'
import { missionAudit } from './families/mission-audit.ts'
import { missionLifecycle } from './families/mission-lifecycle.ts'
import { missionNext } from './families/mission-next.ts'
import { profileInvocation } from './families/profile-invocation.ts'
import { retrospective } from './families/retrospective.ts'
import { status } from './families/status.ts'
import { sync } from './families/sync.ts'

// Both ways: a name without a model and a model without a name are errors of the types.
export const PAYLOAD_MODELS = {
  ...status,
  ...missionLifecycle,
  ...artifactLifecycle,
  ...build,
  ...gates,
  ...collaboration,
  ...glossary,
  ...missionNext,
  ...analytics,
  ...dossier,
  ...missionAudit,
  ...decisionpoint,
  ...connector,
  ...sync,
  ...profileInvocation,
  ...retrospective,
} satisfies Record<EventTypeName, z.ZodType>

/** A payload as its model reads it: what was absent has its default. */
export type PayloadOf<Type extends EventTypeName> = z.output<(typeof PAYLOAD_MODELS)[Type]>

export type EventTypeEntry = EventTypeFacts & { readonly name: string; readonly model: z.ZodType }

/** Null where the contracts don't name the type. */
export function eventTypeOf(name: string): EventTypeEntry | null {
  return isEventType(name) ? { ...EVENT_TYPES[name], name, model: PAYLOAD_MODELS[name] } : null
}
