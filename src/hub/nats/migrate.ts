/** Moves a hub's data into NATS, or out of it, and reads it there again before it says so. What it came from stays as it is. */
import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, renameSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { LinkError, systemCode } from '../../errors.ts'
import { discard, syncFolder } from '../../project/files/durable-file.ts'
import { ChangeTable } from '../data/change-table.ts'
import { useOf, sharedData } from '../data/data-use.ts'
import { DATABASE_FILE, lockFolder, openDatabase, unusable } from '../data/database.ts'
import type { Connection } from '../data/database.ts'
import { digestOf } from '../upkeep/digest.ts'
import type { Digest } from '../upkeep/digest.ts'
import { retoldBatches } from '../data/retold.ts'
import { SessionsTable } from '../data/sessions-table.ts'
import { apiCodeOf, openNats, STREAM, WRONG_LAST_SEQUENCE } from './connect.ts'
import type { Nats, NatsOptions } from './connect.ts'
import { encodeChange, subjectOfChange } from '../data/messages.ts'
import { emptyStream, followInto } from './passing-copy.ts'
import { asChange, messagesOf } from './retell.ts'
import { hasRoom, noRoom } from './room.ts'
import { asNatsError } from './with-nats.ts'

export type MigrationOptions = { readonly dataDir: string; readonly nats: NatsOptions }

const BUSY_TIMEOUT_MS = 5_000
const WORK = 'migrate-'
const OPEN = { busyTimeoutMs: BUSY_TIMEOUT_MS, create: false, isLocked: true } as const

/**
 * Publishes all that a folder holds to a stream that holds nothing. Where it was ended, it goes on when it is asked again.
 *
 * @throws LinkError HUB_DATA_IN_USE, HUB_DATA_MISSING, HUB_DATA_SHARED, HUB_DATA_DAMAGED, HUB_TARGET_NOT_EMPTY,
 *   HUB_MIGRATION_DIFFERS, HUB_DATA_UNUSABLE, NATS_MESSAGE_TOO_LARGE, and what `openNats` throws
 */
export async function migrateToNats({ dataDir, nats: options }: MigrationOptions): Promise<Digest> {
  openDatabase(dataDir, { busyTimeoutMs: BUSY_TIMEOUT_MS, create: false }).close()
  const lock = lockFolder(dataDir)
  let database: Connection | null = null
  let nats: Nats | null = null
  try {
    sweep(dataDir)
    database = openDatabase(dataDir, OPEN)
    if (useOf(database) === 'shared') throw sharedData()
    const digest = digestOf(database)
    if (digest.damaged > 0) throw damaged()
    nats = await openNats(options)
    await publishAll(nats, database, digest)
    const copy = await copyOf(nats, dataDir)
    try {
      if (copy.digest.sum !== digest.sum) throw differs()
    } finally {
      copy.remove()
    }
    return digest
  } catch (error) {
    throw asLinkError(error)
  } finally {
    await nats?.connection.close()
    database?.close()
    lock.close()
  }
}

/**
 * Makes a folder of its own from what the stream holds. All or nothing: the folder gets its database at the end.
 *
 * @throws LinkError HUB_DATA_IN_USE, HUB_TARGET_NOT_EMPTY, HUB_STREAM_EMPTY, HUB_STREAM_BUSY, HUB_MIGRATION_DIFFERS, HUB_DATA_UNUSABLE, and
 *   what `openNats` throws
 */
export async function migrateFromNats({
  dataDir,
  nats: options,
}: MigrationOptions): Promise<Digest> {
  const lock = lockFolder(dataDir)
  let nats: Nats | null = null
  try {
    sweep(dataDir)
    const path = join(resolve(dataDir), DATABASE_FILE)
    if (existsSync(path)) throw notEmpty('the data folder', 'Name a folder that is not there yet.')
    nats = await openNats(options)
    const last = await lastOf(nats)
    if (last === 0) throw emptyStream()
    const [copy, again] = [await copyOf(nats, dataDir), await copyOf(nats, dataDir)]
    again.remove()
    if ((await lastOf(nats)) !== last) {
      copy.remove()
      throw busy()
    }
    if (again.digest.sum !== copy.digest.sum || copy.digest.damaged > 0) {
      copy.remove()
      throw differs()
    }
    makeOwn(copy.folder)
    renameSync(join(copy.folder, DATABASE_FILE), path)
    syncFolder(resolve(dataDir))
    copy.remove()
    return copy.digest
  } catch (error) {
    throw asLinkError(error)
  } finally {
    await nats?.connection.close()
    lock.close()
  }
}

/** Each message to its own place, so that no hub that starts meanwhile comes in between, and what is there is known again. */
async function publishAll(nats: Nats, database: Connection, digest: Digest): Promise<void> {
  const there = await lastOf(nats)
  let place = 0
  for (const { subject, body } of allMessages(database, digest)) {
    place += 1
    if (!hasRoom(nats, body)) throw noRoom()
    const msgID = createHash('sha256').update(`${digest.sum} ${place} `).update(body).digest('hex')
    if (place <= there) {
      // The first and the last one say whether it is ours; those between are in the way of it, or they are it.
      if ((place === 1 || place === there) && !(await isAt(nats, place, msgID))) throw streamTaken()
      continue
    }
    try {
      await nats.jetstream.publish(subject, body, { msgID, expect: { lastSequence: place - 1 } })
    } catch (error) {
      throw apiCodeOf(error) === WRONG_LAST_SEQUENCE ? streamTaken() : error
    }
  }
  if (there > place) throw streamTaken()
}

function* allMessages(
  database: Connection,
  { sum }: Digest,
): Iterable<{ readonly subject: string; readonly body: Buffer }> {
  const changes = new ChangeTable(database, new SessionsTable(database))
  for (const text of changes.all()) yield { subject: 'adm.change', body: asChange(text) }
  for (const batch of retoldBatches(database)) yield* messagesOf(batch)
  // Of the data itself, so that whoever goes on says the same.
  const id = `${sum.slice(0, 8)}-${sum.slice(8, 12)}-4${sum.slice(13, 16)}-8${sum.slice(17, 20)}-${sum.slice(20, 32)}`
  const change = { kind: 'epoch', before: null, id } as const
  yield { subject: subjectOfChange(change), body: encodeChange(change) }
}

async function isAt({ manager }: Nats, seq: number, id: string): Promise<boolean> {
  const stored = await manager.streams.getMessage(STREAM, { seq })
  return stored?.header.get('Nats-Msg-Id') === id
}

type Copy = { readonly folder: string; readonly digest: Digest; readonly remove: () => void }

/** What a hub with a new folder would have. */
async function copyOf(nats: Nats, dataDir: string): Promise<Copy> {
  const folder = mkdtempSync(join(resolve(dataDir), WORK))
  const remove = (): void => discard(folder)
  try {
    await followInto(nats, folder, async () => {})
    const database = openDatabase(folder, OPEN)
    try {
      return { folder, digest: digestOf(database), remove }
    } finally {
      database.close()
    }
  } catch (error) {
    remove()
    throw error
  }
}

/** A copy becomes data of its own, in an epoch of its own. */
function makeOwn(folder: string): void {
  const database = openDatabase(folder, OPEN)
  try {
    database
      .transaction(() => {
        for (const table of ['log', 'told', 'sessions']) database.exec(`DELETE FROM ${table}`)
        database.exec("DELETE FROM meta WHERE key IN ('backend', 'position', 'partial', 'base')")
        database
          .prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('epoch', ?)")
          .run(randomUUID())
      })
      .immediate()
    database.exec('VACUUM')
    database.pragma('wal_checkpoint(TRUNCATE)')
  } finally {
    database.close()
  }
}

// What a migration left that was ended: whoever holds the folder's lock is the only one.
function sweep(dataDir: string): void {
  for (const name of readdirSync(resolve(dataDir))) {
    if (name.startsWith(WORK)) discard(join(resolve(dataDir), name))
  }
}

/** What the system, or SQLite over it, refuses in the data folder, or the server. */
function asLinkError(error: unknown): unknown {
  if (error instanceof LinkError) return error
  return systemCode(error) === null ? asNatsError(error) : unusable(error)
}

async function lastOf({ manager }: Nats): Promise<number> {
  return (await manager.streams.info(STREAM)).state.last_seq
}

function streamTaken(): LinkError {
  return notEmpty(
    'the stream',
    'Stop the hubs there, or name a NATS server, or an account, without a stream of hubs.',
  )
}

function notEmpty(what: string, hint: string): LinkError {
  return new LinkError('HUB_TARGET_NOT_EMPTY', `${what} holds something already`, { hint })
}

function busy(): LinkError {
  return new LinkError('HUB_STREAM_BUSY', 'hubs write to the stream', {
    hint: 'Stop them, so that nothing is left behind, and ask again.',
  })
}

function damaged(): LinkError {
  return new LinkError('HUB_DATA_DAMAGED', 'some rows no longer match their checksum', {
    hint: 'See which with `kittiwake hub verify`, and restore a backup.',
  })
}

function differs(): LinkError {
  return new LinkError('HUB_MIGRATION_DIFFERS', 'what was read again is not what was there', {
    hint: 'The data that it came from is as it was: serve that.',
  })
}
