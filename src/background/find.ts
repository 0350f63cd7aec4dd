/** Whether the background process runs: the lock says so, its record says who, and who answers with its nonce proves it. */
import { setTimeout as delay } from 'node:timers/promises'
import { SenderLease } from '../workers/store/sender-lease.ts'
import { say } from './control-client.ts'
import { type OwnerRecord, readOwner } from './owner-record.ts'
import type { Places } from './places.ts'
import { type ControlStatus, parseStatus } from './protocol.ts'

export type Found =
  | { readonly state: 'not_running' }
  | { readonly state: 'running'; readonly status: ControlStatus }
  | {
      readonly state: 'unresponsive'
      readonly reason: 'lock_unreadable' | 'record_unreadable' | 'no_answer' | 'foreign_answer'
      /** As it stands; null where it can't be read. */
      readonly owner: OwnerRecord | null
    }

const ANSWER_WITHIN_MS = 1_000
/** Between taking the lock and listening, a start takes this long at most. */
const STARTING_WITHIN_MS = 1_000
const LOOK_MS = 25

/** Starts nothing and writes nothing. Takes at most `withinMs` where somebody holds the lock and says nothing. */
export async function findBackground(
  places: Places,
  withinMs: number = STARTING_WITHIN_MS,
): Promise<Found> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const found = await look(places)
    if (found.state !== 'unresponsive' || performance.now() >= deadline) return found
    await delay(LOOK_MS)
  }
}

async function look(places: Places): Promise<Found> {
  try {
    if (!SenderLease.isHeld(places.lock)) return { state: 'not_running' }
  } catch {
    return { state: 'unresponsive', reason: 'lock_unreadable', owner: null }
  }
  const reading = readOwner(places.owner)
  const owner = reading.state === 'present' ? reading.record : null
  const said = await say(places, { type: 'status' }, ANSWER_WITHIN_MS)
  if (owner === null) return { state: 'unresponsive', reason: 'record_unreadable', owner }
  if (said.state !== 'answered') return { state: 'unresponsive', reason: 'no_answer', owner }
  const status = parseStatus(said.line)
  if (status?.nonce === owner.nonce && status.pid === owner.pid) return { state: 'running', status }
  return { state: 'unresponsive', reason: 'foreign_answer', owner }
}

/** True once nobody holds the lock: then its holder is dead, however it died. */
export async function untilFree(places: Places, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs
  while (SenderLease.isHeld(places.lock)) {
    if (performance.now() >= deadline) return false
    await delay(LOOK_MS)
  }
  return true
}
