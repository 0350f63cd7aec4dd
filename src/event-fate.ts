/** Why an event is not at the hub, or that it is: by the outbox, and by what stands in the way of all. Reads only. */
import type { EventFate } from './inspect/client-protocol.ts'
import { identityOrNull } from './project/identity.ts'
import type { Repository } from './project/types.ts'
import { outboxOfProject, readOutbox } from './read-outbox.ts'
import { type ProjectView, viewProject } from './view.ts'
import { type ListedEvent } from './workers/store/list-events.ts'

type Obstacle = { readonly obstacle: string; readonly hint: string }

/** @throws StoreError where the outbox can't be read */
export async function readEventFate(
  repository: Repository,
  state: string,
  eventId: string,
): Promise<EventFate> {
  const view = await viewProject(repository, state)
  const found = await findEvent(repository, state, eventId)
  if (found === null) {
    return {
      eventId,
      state: 'absent',
      obstacle: 'not_in_outbox',
      hint: 'A decision is in the ledger alone; see `kittiwake decision log`. An event that was never acknowledged was refused.',
    }
  }
  const { event, reason } = found
  return {
    eventId,
    state: found.state,
    recordedAt: new Date(found.recorded_at).toISOString(),
    attempts: found.attempts,
    ...(event === null ? {} : { eventType: event.event_type, lamport: event.lamport_clock }),
    ...(reason === null ? {} : { reason }),
    ...(obstacleTo(found, view) ?? { obstacle: null }),
  }
}

async function findEvent(
  repository: Repository,
  state: string,
  eventId: string,
): Promise<ListedEvent | null> {
  const identity = await identityOrNull(repository)
  if (identity === null) return null
  const outbox = outboxOfProject(state, identity.uuid)
  return readOutbox(outbox, (reader) => reader.list({ event_id: eventId })[0] ?? null)
}

/** The first thing that has to be done before it can go; null where it is there, or on its way. */
function obstacleTo({ state }: ListedEvent, view: ProjectView): Obstacle | null {
  if (state === 'delivered') return null
  if (state === 'superseded') {
    return { obstacle: 'superseded', hint: 'A newer event says the same of the same thing.' }
  }
  if (state === 'quarantined') {
    return { obstacle: 'refused_by_hub', hint: 'Mend the reason, then `kittiwake queue retry`.' }
  }
  if (view.consent !== 'granted') {
    return { obstacle: 'no_consent', hint: 'Run `kittiwake sync opt-in`.' }
  }
  if (state === 'held') {
    return {
      obstacle: 'held',
      hint: 'Recorded without consent; see `kittiwake sync import-history`.',
    }
  }
  if (view.login === null) {
    return { obstacle: 'not_authenticated', hint: 'Run `kittiwake auth login`.' }
  }
  const { connection } = view
  if (connection === null) {
    return { obstacle: 'no_link', hint: 'Run `kittiwake sync now` or `kittiwake sync start`.' }
  }
  if (connection.state === 'live' || connection.state === 'batching') return null
  const why = connection.reason === null ? '' : ` (${connection.reason})`
  return {
    obstacle: 'link_down',
    hint: `The link is ${connection.state}${why}; it is tried again.`,
  }
}
