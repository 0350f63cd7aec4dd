/** Ends the background process: asks it, waits for its death, and kills only what has proven to be it. */
import { RuntimeError } from '../errors.ts'
import { say } from './control-client.ts'
import { findBackground, type Found, untilFree } from './find.ts'
import { readOwner } from './owner-record.ts'
import type { Places } from './places.ts'

/** Its links and threads have 3 s to end. */
const ENDS_WITHIN_MS = 5_000
const DIES_WITHIN_MS = 2_000
const HEARD_WITHIN_MS = 1_000

/** Answers the pid of the one that ended, or null where none ran. @throws RuntimeError BACKGROUND_UNRESPONSIVE */
export async function endBackground(places: Places): Promise<number | null> {
  const found = await findBackground(places)
  if (found.state === 'not_running') return null
  if (found.state === 'unresponsive') throw unresponsive(found)
  const { pid, nonce } = found.status
  await say(places, { type: 'stop' }, HEARD_WITHIN_MS)
  if (await untilFree(places, ENDS_WITHIN_MS)) return pid
  // It answered with the nonce of the record, and whoever wrote that has held the lock ever since.
  const reading = readOwner(places.owner)
  if (reading.state === 'present' && reading.record.nonce === nonce) kill(pid)
  if (await untilFree(places, DIES_WITHIN_MS)) return pid
  throw unresponsive({ state: 'unresponsive', reason: 'no_answer', owner: null })
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone: the lock tells.
  }
}

/** What is left to a person, because no process may be killed on the word of a file. */
export function unresponsive({ reason }: Extract<Found, { state: 'unresponsive' }>): RuntimeError {
  return new RuntimeError(
    'BACKGROUND_UNRESPONSIVE',
    `a process holds the lock of the background process and can't be spoken with (${reason})`,
    {
      hint: 'Look for a process `kittiwake sync run --all` that is stuck or was paused, and end it; its lock is free at once.',
      retryable: true,
    },
  )
}
