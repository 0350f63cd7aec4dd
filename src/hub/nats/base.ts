/**
 * The base of the log that hubs share: all rows of a copy at one place, in a stream of its own. What the log said up to that
 * place is erased, so a hub that is behind it takes the base, and follows from there. There is one base at a time.
 */
import { createHash, randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'
import { parseJson } from '../../contracts/json/json.ts'
import { LinkError } from '../../errors.ts'
import { BaseFile, piecesOf } from '../data/base-rows.ts'
import { openDatabase } from '../data/database.ts'
import { positionIn } from '../data/log-table.ts'
import type { Position } from '../data/log-table.ts'
import { SCHEMA } from '../data/schema.ts'
import { apiCodeOf, BASE_STREAM, STREAM, WRONG_LAST_SEQUENCE } from './connect.ts'
import type { Nats } from './connect.ts'
import { encodeChange, subjectOfChange } from '../data/messages.ts'
import { hasRoom, noRoom } from './room.ts'
import { storedMessages } from './stored-messages.ts'

const HEAD_SUBJECT = 'base.head'
const ERASED_AT_ONCE = 32
const BUSY_TIMEOUT_MS = 5_000
const DELETION_PAUSE_MS = 50

const HEAD = z.object({
  v: z.literal(1),
  base_id: z.uuid(),
  place: z.object({ seq: z.number(), id: z.string() }),
  schema: z.number(),
  pieces: z.number(),
  /** Of all pieces, as SHA-256. */
  sum: z.string(),
  /** Unix milliseconds. */
  made_at: z.number(),
})
/** What is known of the base that there is. */
export type BaseHead = z.infer<typeof HEAD>

/** Null where there is no base. @throws LinkError HUB_STREAM_NEWER */
export async function headOf(nats: Nats): Promise<BaseHead | null> {
  return (await storedHead(nats))?.head ?? null
}

async function storedHead({ manager }: Nats): Promise<{ head: BaseHead; seq: number } | null> {
  const stored = await manager.streams.getMessage(BASE_STREAM, { last_by_subj: HEAD_SUBJECT })
  if (stored === null) return null
  const { data } = HEAD.safeParse(parseJson(stored.string()))
  if (data === undefined || data.schema > SCHEMA) throw newerBase()
  return { head: data, seq: stored.seq }
}

export type BaseOptions = {
  /** Of a copy of the log, which may go on meanwhile. */
  readonly dataDir: string
  /** Hubs write their files anew, so that nothing is left in free pages. */
  readonly scrub: boolean
  /** Resolves when the copy is at a place, rejects where it never will be; a hub's own gets there. */
  readonly reach?: (seq: number) => Promise<void>
}

/**
 * Makes a base of a copy, and erases what the log said up to there, and the base before. False where there is one that says more,
 * or another hub made one meanwhile: then nothing was erased for this one.
 */
export async function makeBase(nats: Nats, options: BaseOptions): Promise<boolean> {
  const { dataDir, scrub, reach = () => setTimeout(DELETION_PAUSE_MS) } = options
  let made = await publishBase(nats, dataDir)
  // What was deleted meanwhile is in it still.
  while (made !== null) {
    const deletion = await lastDeletion(nats)
    if (deletion <= made.place.seq) break
    await reach(deletion)
    made = await publishBase(nats, dataDir)
  }
  if (made === null) return false
  const { place, ownSeqs, headSeq } = made
  // While this is in the log, it has an end, whatever is erased.
  const change = { kind: 'base', place, scrub } as const
  await nats.jetstream.publish(subjectOfChange(change), encodeChange(change), {
    msgID: randomUUID(),
  })
  await erase(nats, BASE_STREAM, headSeq - 1, ownSeqs)
  await erase(nats, STREAM, place.seq)
  return true
}

/** The place of the last deletion that the log still tells of; 0 where there is none. */
export async function lastDeletion({ manager }: Nats): Promise<number> {
  const subject = subjectOfChange({ kind: 'deletion' })
  return (await manager.streams.getMessage(STREAM, { last_by_subj: subject }))?.seq ?? 0
}

/** Erases what an ended `makeBase` has left. */
export async function eraseBelow(nats: Nats, head: BaseHead): Promise<void> {
  await erase(nats, STREAM, head.place.seq)
}

type Made = {
  readonly place: Position
  readonly ownSeqs: ReadonlySet<number>
  readonly headSeq: number
}

/** Null where there is one that says more, or another hub published one meanwhile. Nothing else is done for it. */
export async function publishBase(nats: Nats, dataDir: string): Promise<Made | null> {
  const { jetstream } = nats
  const before = await storedHead(nats)
  const database = openDatabase(dataDir, {
    busyTimeoutMs: BUSY_TIMEOUT_MS,
    create: false,
    isLocked: true,
  })
  const ownSeqs = new Set<number>()
  try {
    // One moment for all that is read.
    database.exec('BEGIN')
    const place = positionIn(database, 'position')
    if (place === null) throw new Error('a copy without a place has no base')
    // What came between the two would be in neither, and is erased already.
    if (before !== null && before.head.place.seq > place.seq) return null
    const base_id = randomUUID()
    const sum = createHash('sha256')
    for (const piece of piecesOf(database)) {
      if (!hasRoom(nats, piece)) throw noRoom()
      sum.update(piece)
      const { seq } = await jetstream.publish(`base.${base_id}.${ownSeqs.size}`, piece)
      ownSeqs.add(seq)
    }
    const about = { v: 1, base_id, place, schema: SCHEMA, pieces: ownSeqs.size } as const
    const head: BaseHead = { ...about, sum: sum.digest('hex'), made_at: Date.now() }
    const { seq } = await jetstream.publish(HEAD_SUBJECT, JSON.stringify(head), {
      expect: { lastSubjectSequence: before?.seq ?? 0 },
    })
    return { place, ownSeqs, headSeq: seq }
  } catch (error) {
    await eraseAll(nats, BASE_STREAM, [...ownSeqs]).catch(() => {})
    if (apiCodeOf(error) === WRONG_LAST_SEQUENCE) return null
    throw error
  } finally {
    database.close()
  }
}

/** Puts the base into a file that is not there yet. @throws LinkError HUB_BASE_INCOMPLETE, where another one takes its place */
export async function fetchBase(nats: Nats, head: BaseHead, path: string): Promise<void> {
  const consumer = await nats.jetstream.consumers.get(BASE_STREAM, {
    filter_subjects: `base.${head.base_id}.>`,
  })
  const file = new BaseFile(path, head.schema)
  try {
    const sum = createHash('sha256')
    let pieces = 0
    for await (const { data } of storedMessages(consumer)) {
      sum.update(data)
      file.add(Buffer.from(data))
      pieces += 1
    }
    if (pieces !== head.pieces || sum.digest('hex') !== head.sum) throw incomplete()
  } finally {
    file.close()
  }
}

/** No base any more: what it stood on is lost. */
export async function dropBase({ manager }: Nats): Promise<void> {
  await manager.streams.purge(BASE_STREAM)
}

/** Each message up to a place, but some. */
async function erase(
  nats: Nats,
  stream: string,
  through: number,
  but: ReadonlySet<number> = new Set(),
): Promise<void> {
  const { state } = await nats.manager.streams.info(stream)
  if (state.messages === 0) return
  const seqs: number[] = []
  for (let seq = state.first_seq; seq <= Math.min(through, state.last_seq); seq++) {
    if (!but.has(seq)) seqs.push(seq)
  }
  await eraseAll(nats, stream, seqs)
}

async function eraseAll({ manager }: Nats, stream: string, seqs: readonly number[]): Promise<void> {
  for (let from = 0; from < seqs.length; from += ERASED_AT_ONCE) {
    const some = seqs.slice(from, from + ERASED_AT_ONCE)
    await Promise.all(some.map((seq) => eraseOne(manager, stream, seq)))
  }
}

/** Overwritten, not only left out. */
async function eraseOne(manager: Nats['manager'], stream: string, seq: number): Promise<void> {
  try {
    await manager.streams.deleteMessage(stream, seq, true)
  } catch (error) {
    if (!IS_GONE.has(apiCodeOf(error) ?? 0)) throw error
  }
}

/** Codes of a message that was deleted before. */
const IS_GONE = new Set([10037, 10043, 10057])

function incomplete(): LinkError {
  return new LinkError('HUB_BASE_INCOMPLETE', 'the base of the log is being made anew', {
    hint: 'Try again in a few seconds.',
    retryable: true,
  })
}

function newerBase(): LinkError {
  return new LinkError('HUB_STREAM_NEWER', 'a newer version of kittiwake wrote the base', {
    hint: 'Update this hub; nothing of the stream was passed over.',
  })
}
