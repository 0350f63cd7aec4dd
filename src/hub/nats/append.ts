/** Publishes a batch of entries: of each project one message after the other, all projects at once. */
import type { Batch } from '../backend.ts'
import type { Entry, Outcome } from '../entries.ts'
import type { HubStore } from '../data/store.ts'
import { encodeEntries, runsOf } from '../data/messages.ts'
import type { Run } from '../data/messages.ts'
import type { Publisher } from './publisher.ts'

export type AppendParts = {
  readonly store: Pick<HubStore, 'elsewhere'>
  readonly publisher: Publisher
}

/** What became of each entry, by its place, when all of them are in the log and in this hub's copy. */
export async function appendAll(batch: Batch, parts: AppendParts): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  let waiting: readonly number[] = [...batch.entries.keys()]
  while (waiting.length > 0) {
    const { now, later } = parted(batch.entries, waiting, (place, entry) => {
      const known = parts.store.elsewhere(entry)
      if (known !== null) outcomes[place] = known
      return known !== null
    })
    await publish(now, batch, { outcomes, publisher: parts.publisher })
    waiting = later
  }
  return outcomes
}

type Parted = { readonly now: readonly number[]; readonly later: readonly number[] }

/**
 * An id that stands in one project is refused in another; but the one may be deleted, and a hub that comes later reads the other
 * alone, and would take it. So what is refused for that is not put into the log: of two in a batch the second waits for the first.
 */
function parted(
  entries: readonly Entry[],
  places: readonly number[],
  isAnswered: (place: number, entry: Entry) => boolean,
): Parted {
  const projectById = new Map<string, string>()
  const now: number[] = []
  const later: number[] = []
  for (const place of places) {
    const entry = entries[place]
    if (entry === undefined || isAnswered(place, entry)) continue
    if (entry.kind !== 'event') {
      now.push(place)
      continue
    }
    const id = `${entry.team} ${entry.event_id}`
    const first = projectById.get(id) ?? entry.project_uuid
    projectById.set(id, first)
    const mayGo = first === entry.project_uuid
    ;(mayGo ? now : later).push(place)
  }
  return { now, later }
}

async function publish(
  places: readonly number[],
  { entries, senders }: Batch,
  { outcomes, publisher }: { readonly outcomes: Outcome[]; readonly publisher: Publisher },
): Promise<void> {
  const placeOf = (index: number): number => places[index] ?? -1
  const one = async (run: Run): Promise<void> => {
    const body = encodeEntries({ entries: run.entries, at: Date.now() })
    const own = run.places.flatMap((index) => senders[placeOf(index)] ?? [])
    const made = await publisher.publish(run.subject, body, own)
    for (const [order, index] of run.places.entries()) {
      outcomes[placeOf(index)] = made[order] ?? { verdict: 'unstored', seq: 0 }
    }
  }
  const chains = runsOf(places.flatMap((place) => entries[place] ?? [])).map(async (runs) => {
    for (const run of runs) await one(run)
  })
  await Promise.all(chains)
}
