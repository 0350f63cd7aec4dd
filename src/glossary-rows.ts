/** The parts of glossary rows that more than one door fills in. */
import type { GlossaryActor, Provenance, SenseRecord } from './contracts/ledgers/glossary-record.ts'
import { normalMeaning } from './contracts/ledgers/glossary-sense.ts'
import type { Scope, Sense } from './contracts/ledgers/glossary-sense.ts'
import type { GlossaryActorInput } from './glossary-input.ts'

export const CLI_ACTOR = 'cli'

export function senseOf(
  surface: string,
  scope: Scope,
  definition: string,
  confidence: number,
): Sense {
  return { surface, scope, definition: normalMeaning(definition), confidence, status: 'active' }
}

export function senseRow(
  event_id: string,
  timestamp: string,
  sense: Sense,
  actor: GlossaryActor,
): SenseRecord {
  return {
    event_id,
    event_type: 'GlossarySenseUpdated',
    timestamp,
    term_surface: sense.surface,
    scope: sense.scope,
    new_sense: sense,
    actor,
    // The worker says which, with the file as it then is.
    update_type: 'create',
    provenance: provenanceOf(actor, timestamp),
  }
}

export function actorOf(actor: GlossaryActorInput = CLI_ACTOR): GlossaryActor {
  if (typeof actor === 'string') {
    return { actor_id: actor, actor_type: 'human', display_name: actor }
  }
  return { display_name: actor.actor_id, ...actor }
}

export function provenanceOf({ actor_id }: GlossaryActor, timestamp: string): Provenance {
  return { source: 'user_clarification', timestamp, actor_id }
}
