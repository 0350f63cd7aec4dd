/**
 * The clocks of a purged project. All else of it is gone, but should the project come back, none of its nodes may ever give a
 * value twice.
 */
import { basename, dirname, join } from 'node:path'

import type Database from 'better-sqlite3'

import { StoreError, systemCode } from '../../errors.ts'
import { readBounded } from '../../project/files/bounded-file.ts'
import { replaceDurably } from '../../project/files/durable-file.ts'
import { makeStateFolder, retainedClockPath } from '../../project/state-directory.ts'
import type { OutboxOwner } from './outbox-place.ts'

const BYTES_MAX = 1024 * 1024

type Clocks = Readonly<Record<string, number>>

/** Durable when it returns; no value that is retained already goes back. */
export function retainClocks(state: string, projectUuid: string, db: Database.Database): void {
  const path = retainedClockPath(state, projectUuid)
  const rows = db
    .prepare<[], { node_id: string; value: number }>('SELECT node_id, value FROM clock')
    .all()
  const clocks: Record<string, number> = { ...readClocks(path) }
  for (const { node_id: node, value } of rows) clocks[node] = Math.max(clocks[node] ?? 0, value)
  makeStateFolder(dirname(path))
  replaceDurably(path, { text: `${JSON.stringify(clocks)}\n`, mode: 0o600 })
}

/** In a store that has just begun. @throws StoreError CLOCK_UNREADABLE */
export function restoreClocks(path: string, owner: OutboxOwner, db: Database.Database): void {
  const folder = dirname(path)
  if (owner.kind !== 'project' || basename(folder) !== owner.uuid) return
  const clocks = readClocks(retainedClockPath(join(folder, '..', '..'), owner.uuid))
  const save = db.prepare('INSERT INTO clock VALUES (?, ?)')
  for (const [node, value] of Object.entries(clocks)) save.run(node, value)
}

function readClocks(path: string): Clocks {
  const read = readBounded(path, BYTES_MAX, { followLink: false })
  if (read.state === 'absent') return {}
  try {
    if (read.state === 'read') return checked(JSON.parse(read.bytes.toString('utf8')))
    throw new TypeError(read.state)
  } catch (cause) {
    throw new StoreError('CLOCK_UNREADABLE', 'the clock of a purged project can not be read', {
      hint: `Restore the folder clocks of the state directory (${systemCode(cause) ?? 'damaged'}).`,
      cause,
    })
  }
}

function checked(value: unknown): Clocks {
  if (typeof value !== 'object' || value === null) throw new TypeError('no object')
  for (const clock of Object.values(value)) {
    if (!Number.isSafeInteger(clock) || (clock as number) < 0) throw new TypeError('no clock')
  }
  return value as Clocks
}
