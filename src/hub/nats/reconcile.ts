/**
 * Compares what this hub took with what the stream has, before anything else is done with a server. A server answers before
 * its disk has what it answered for; what it lost is put back where it was, where nobody wrote there since. Else it is said
 * again at the end, all hubs begin a new epoch, and this one takes everything anew in the order of the stream.
 */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DATABASE_FILE, openDatabase } from '../data/database.ts'
import type { Held } from '../data/earlier-copy.ts'
import type { Position } from '../data/log-table.ts'
import type { SharedCopy } from '../data/shared-copy.ts'
import type { HubStore } from '../data/store.ts'
import { dropBase, fetchBase, headOf, publishBase } from './base.ts'
import type { BaseHead } from './base.ts'
import { apiCodeOf, STREAM, WRONG_LAST_SEQUENCE } from './connect.ts'
import type { Nats } from './connect.ts'
import { encodeChange, subjectOfChange } from '../data/messages.ts'
import { asChange, retell } from './retell.ts'

/**
 * `kept`: the stream has all. `restored`: it has all again, in its place. `loaded`: this copy was behind the base, and is as that
 * is now. `rebuilt`: this copy is filled anew, and what it held was said again.
 */
export type Reconciliation = 'kept' | 'restored' | 'loaded' | 'rebuilt'

export async function reconcile(
  nats: Nats,
  store: HubStore,
  dataDir: string,
): Promise<Reconciliation> {
  const { copy } = store
  const head = await headOf(nats)
  await retellEarlier(nats, copy, head)
  const found = await catchUpWithBase(nats, copy, { head, dataDir })
  const compared = await compare(nats, copy, { head, dataDir })
  // What was put aside by that.
  await retellEarlier(nats, copy, head)
  return compared === 'rebuilt' || found === 'kept' ? compared : found
}

type Ground = { readonly head: BaseHead | null; readonly dataDir: string }

/** What the log said where a copy stands may be erased already; then the base says more than the copy, or something else. */
async function catchUpWithBase(
  nats: Nats,
  copy: SharedCopy,
  { head, dataDir }: Ground,
): Promise<'kept' | 'loaded' | 'rebuilt'> {
  const { seq } = copy.log.position
  if (head === null || seq >= head.place.seq) return 'kept'
  return withBase(nats, { head, dataDir }, async (path) => {
    const { isWithin } = await sayLost(nats, copy, path)
    // What is held here alone is said again from the earlier copy, once the base is in its place.
    if (seq !== 0 && !isWithin) copy.clear(NOTHING_TOLD)
    copy.load(path)
    return seq === 0 || isWithin ? 'loaded' : 'rebuilt'
  })
}

/** What a base would undo, since nobody told who made it. */
async function sayLost(
  { jetstream }: Nats,
  copy: SharedCopy,
  path: string,
): Promise<{ readonly isWithin: boolean }> {
  const { isWithin, lost } = copy.against(path)
  for (const text of new Set([...copy.changes.untold(), ...lost.holders])) {
    await jetstream.publish('adm.change', asChange(text), { msgID: randomUUID() })
  }
  for (const project of lost.deleted) {
    const change = { kind: 'deletion', ...project } as const
    await jetstream.publish(subjectOfChange(change), encodeChange(change), { msgID: randomUUID() })
  }
  return { isWithin }
}

async function compare(nats: Nats, copy: SharedCopy, ground: Ground): Promise<Reconciliation> {
  const { seq } = copy.log.position
  if (seq === 0) return 'kept'
  const { head, dataDir } = ground
  const lastSeq = await lastOf(nats)
  const common = await commonPlace(nats, copy.log, { lastSeq, head })
  const isBaseLost = copy.base !== null && (head === null || head.place.seq < copy.base.seq)
  const isCut = common === lastSeq && common < seq && copy.log.reachesBack(common + 1)
  // Before anything is put to places that it stands for.
  if (isBaseLost && (common === seq || isCut)) await publishBase(nats, dataDir)
  if (common === seq) return 'kept'
  if (isCut && (await restore(nats, copy, common))) return 'restored'
  if (head !== null && lastSeq >= head.place.seq) {
    await withBase(nats, { head, dataDir }, async (path) => {
      await sayLost(nats, copy, path)
      copy.clear(NOTHING_TOLD)
      copy.load(path)
    })
    return 'rebuilt'
  }
  // What it stands on is lost, and nobody has it.
  if (head !== null) await dropBase(nats)
  copy.clear(await retell(nats, copy.held, common))
  return 'rebuilt'
}

/** A copy was not filled anew to its end, and the server lost once more what it was told of the one before. */
async function retellEarlier(nats: Nats, copy: SharedCopy, head: BaseHead | null): Promise<void> {
  const { earlier } = copy
  if (earlier === null) return
  const { seq, id } = earlier.toldThrough
  const isThere = async (): Promise<boolean> =>
    seq <= (head?.place.seq ?? 0) || (await idAt(nats, seq)) === id
  if (seq > 0 && (await isThere())) return
  await earlier.copy.read(async (held) => {
    const lastSeq = await lastOf(nats)
    const common = await commonPlace(nats, held.log, { lastSeq, head })
    const deleted = held.projects().filter((project) => copy.hasDeleted(project))
    copy.told(await retell(nats, held, common, deleted))
  })
}

const WORK = 'base-'

/** The base in a file, for as long as it is worked on. */
async function withBase<Value>(
  nats: Nats,
  { head, dataDir }: { readonly head: BaseHead; readonly dataDir: string },
  work: (path: string) => Value | Promise<Value>,
): Promise<Value> {
  // Whoever holds the folder's lock is the only one: what is there was left by one that was ended.
  for (const name of readdirSync(resolve(dataDir)).filter((one) => one.startsWith(WORK))) {
    rmSync(join(resolve(dataDir), name), { recursive: true, force: true })
  }
  const folder = mkdtempSync(join(resolve(dataDir), WORK))
  try {
    const path = join(folder, DATABASE_FILE)
    await fetchBase(nats, head, path)
    // Of an older schema it gets what it lacks.
    openDatabase(folder, { busyTimeoutMs: 0, isLocked: true, create: false }).close()
    return await work(path)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function lastOf({ manager }: Nats): Promise<number> {
  return (await manager.streams.info(STREAM)).state.last_seq
}

type Server = { readonly lastSeq: number; readonly head: BaseHead | null }

/** The last place at which both have the same; 0 where that is none, or where it can't be told any more. */
async function commonPlace(
  nats: Nats,
  log: Held['log'],
  { lastSeq, head }: Server,
): Promise<number> {
  const { position } = log
  const floor = head?.place.seq ?? 0
  if (!standsOn(log, head)) return 0
  if (lastSeq >= position.seq && (await endsAlike(nats, log, floor))) return position.seq
  const places = log.places().filter((place) => place > floor && place <= lastSeq)
  // Up to some place all are the same, and from there on none.
  let [low, high] = [0, places.length]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const place = places[middle] ?? 0
    if (await isSame(nats, place, log.at(place)?.message_id ?? '')) low = middle + 1
    else high = middle
  }
  return places[low - 1] ?? Math.min(floor, lastSeq)
}

/** Whether a copy that is as far as a base went there by the same messages, as far as it still knows. */
function standsOn(log: Held['log'], head: BaseHead | null): boolean {
  if (head === null) return true
  const { seq, id } = head.place
  const own = log.position.seq === seq ? log.position.id : (log.at(seq)?.message_id ?? null)
  return log.position.seq >= seq && (own === null || own === id)
}

/** Whether the last message that both may have is the same; those that were deleted on purpose say nothing. */
async function endsAlike(nats: Nats, log: Held['log'], floor: number): Promise<boolean> {
  const { seq, id } = log.position
  if (seq <= floor) return true
  const found = await idAt(nats, seq)
  if (found !== null) return found === id
  for (const place of log.places().toReversed()) {
    if (place <= floor) return true
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
    const message_id = message?.message_id ?? randomUUID()
    const { subject, body } = message === null || message.body.length === 0 ? GONE : message
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

/** In the place of what was deleted, or is in the base: a copy has all without it. */
const GONE = { subject: subjectOfChange({ kind: 'gone' }), body: encodeChange({ kind: 'gone' }) }
const NOTHING_TOLD: Position = { seq: 0, id: '' }
