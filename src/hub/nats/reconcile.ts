/**
 * Compares what this hub took with what the stream has, before anything else is done with a server. A server answers before
 * its disk has what it answered for; what it lost is put back where it was, where nobody wrote there since. Else it is said
 * again at the end, all hubs begin a new epoch, and this one takes everything anew in the order of the stream.
 */
import { randomUUID } from 'node:crypto'
import type { Held } from '../earlier-copy.ts'
import type { TimedEntries } from '../inserts.ts'
import type { Position } from '../log-table.ts'
import type { SharedCopy } from '../shared-copy.ts'
import type { HubStore } from '../store.ts'
import { apiCodeOf, STREAM, WRONG_LAST_SEQUENCE } from './connect.ts'
import type { Nats } from './connect.ts'
import { encodeChange, encodeEntries, readMessage, runsOf, subjectOfChange } from './messages.ts'

/** `kept`: the stream has all. `restored`: it has all again, in its place. `rebuilt`: this copy is empty now. */
export type Reconciliation = 'kept' | 'restored' | 'rebuilt'

export async function reconcile(nats: Nats, store: HubStore): Promise<Reconciliation> {
  const { copy } = store
  await retellEarlier(nats, copy)
  const { seq } = copy.log.position
  if (seq === 0) return 'kept'
  const lastSeq = await lastOf(nats)
  const common = await commonPlace(nats, copy.log, lastSeq)
  if (common === seq) return 'kept'
  const isCut = common === lastSeq && common < seq
  if (isCut && (await restore(nats, copy, common))) return 'restored'
  copy.clear(await retell(nats, copy.held, common))
  return 'rebuilt'
}

/** A copy was not filled anew to its end, and the server lost once more what it was told of the one before. */
async function retellEarlier(nats: Nats, copy: SharedCopy): Promise<void> {
  const { earlier } = copy
  if (earlier === null) return
  const { seq, id } = earlier.toldThrough
  if ((await idAt(nats, seq)) === id) return
  await earlier.copy.read(async (held) => {
    copy.told(await retell(nats, held, await commonPlace(nats, held.log, await lastOf(nats))))
  })
}

async function lastOf({ manager }: Nats): Promise<number> {
  return (await manager.streams.info(STREAM)).state.last_seq
}

/** The last place at which both have the same; 0 where that is none, or where it can't be told any more. */
async function commonPlace(nats: Nats, log: Held['log'], lastSeq: number): Promise<number> {
  const { position } = log
  if (lastSeq >= position.seq && (await endsAlike(nats, log))) return position.seq
  const places = log.places().filter((place) => place <= lastSeq)
  // Up to some place all are the same, and from there on none.
  let [low, high] = [0, places.length]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const place = places[middle] ?? 0
    if (await isSame(nats, place, log.at(place)?.message_id ?? '')) low = middle + 1
    else high = middle
  }
  return places[low - 1] ?? 0
}

/** Whether the last message that both may have is the same; those that were deleted on purpose say nothing. */
async function endsAlike(nats: Nats, log: Held['log']): Promise<boolean> {
  const { seq, id } = log.position
  const found = await idAt(nats, seq)
  if (found !== null) return found === id
  for (const place of log.places().toReversed()) {
    const other = await idAt(nats, place)
    if (other !== null) return other === log.at(place)?.message_id
  }
  return true
}

// One that was deleted on purpose is no other one.
async function isSame(nats: Nats, seq: number, id: string): Promise<boolean> {
  const found = await idAt(nats, seq)
  return found === null || found === id
}

async function idAt({ manager }: Nats, seq: number): Promise<string | null> {
  const stored = await manager.streams.getMessage(STREAM, { seq })
  return stored === null ? null : stored.header.get('Nats-Msg-Id')
}

/** Each to its own place, or not at all; false where another message came there first. */
async function restore(nats: Nats, { log }: SharedCopy, common: number): Promise<boolean> {
  for (let place = common + 1; place <= log.position.seq; place++) {
    const message = log.at(place)
    if (message === null) return false
    const { subject, body, message_id } = message
    try {
      const ack = await nats.jetstream.publish(subject, body, {
        msgID: message_id,
        expect: { lastSequence: place - 1 },
      })
      if (ack.seq !== place) return false
    } catch (error) {
      // Another hub may do the same at this moment.
      if (apiCodeOf(error) !== WRONG_LAST_SEQUENCE) throw error
      if ((await idAt(nats, place)) !== message_id) return false
    }
  }
  return true
}

/** Says again what the stream may lack, up to which place. What it has already changes nothing when it comes once more. */
async function retell(nats: Nats, held: Held, common: number): Promise<Position> {
  const id = randomUUID()
  const publish: Publish = async (name, subject, body) => {
    const msgID = `${name}.${id}`
    const { seq } = await nats.jetstream.publish(subject, body, { msgID })
    return { seq, id: msgID }
  }
  const { log, changes, epoch: before } = held
  const places = log.places()
  const reachesBack = common === 0 ? places[0] === 1 : places.includes(common)
  if (reachesBack) {
    for (const place of places.filter((one) => one > common)) {
      const message = log.at(place)
      if (message === null || isEpoch(message.body)) continue
      await publish(message.message_id, message.subject, message.body)
    }
  } else await retellAll(held, publish)
  for (const text of changes.untold()) await publish(randomUUID(), 'adm.change', asChange(text))
  const change = { kind: 'epoch', before, id } as const
  return publish('epoch', subjectOfChange(change), encodeChange(change))
}

type Publish = (name: string, subject: string, body: Buffer) => Promise<Position>

async function retellAll({ changes, retold }: Held, publish: Publish): Promise<void> {
  for (const text of changes.all()) await publish(randomUUID(), 'adm.change', asChange(text))
  for (const batch of retold()) {
    for (const { subject, body } of messagesOf(batch)) await publish(randomUUID(), subject, body)
  }
}

/** The messages that say what a batch holds. */
export function* messagesOf({ entries, at, isRetold = false }: TimedEntries): Iterable<{
  readonly subject: string
  readonly body: Buffer
}> {
  const timeOf = (place: number): number => (typeof at === 'number' ? at : (at[place] ?? 0))
  for (const run of runsOf(entries).flat()) {
    const body = encodeEntries({ entries: run.entries, at: run.places.map(timeOf), isRetold })
    yield { subject: run.subject, body }
  }
}

/** A change that stands as JSON. */
export function asChange(text: string): Buffer {
  return Buffer.from(`{"v":1,"change":${text}}`)
}

function isEpoch(body: Buffer): boolean {
  const meaning = readMessage(body)
  return (
    meaning !== null &&
    meaning !== 'newer' &&
    'change' in meaning &&
    meaning.change.kind === 'epoch'
  )
}
