/** Copies of the log that hubs share which serve nobody: commands read them, and know by them what hubs will have. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LinkError } from '../../errors.ts'
import { HubStore } from '../data/store.ts'
import type { Nats } from './connect.ts'
import { Follower } from './follower.ts'
import { reconcile } from './reconcile.ts'

/** A copy that goes on while it is worked on. */
export type PassingCopy = {
  readonly dataDir: string
  readonly store: HubStore
  /** Resolves when the copy is at a place. @throws where the log can't be followed any more */
  readonly reach: (seq: number) => Promise<void>
}

/** In a folder of its own, which goes with it. */
export async function withPassingCopy<Value>(
  nats: Nats,
  work: (copy: PassingCopy) => Promise<Value>,
): Promise<Value> {
  const dataDir = mkdtempSync(join(tmpdir(), 'kittiwake-hub-'))
  try {
    return await followInto(nats, dataDir, work)
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** As `withPassingCopy`, in a folder that stays. */
export async function followInto<Value>(
  nats: Nats,
  dataDir: string,
  work: (copy: PassingCopy) => Promise<Value>,
): Promise<Value> {
  const store = new HubStore(dataDir, 'shared')
  let fail: (error: unknown) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => {})
  const { copy } = store
  const follower = new Follower({ copy, log: () => {}, applied: () => {}, failed: fail })
  try {
    await reconcile(nats, store, dataDir)
    await Promise.race([follower.start(nats), failed])
    const reach = (seq: number): Promise<void> => Promise.race([follower.reach(seq), failed])
    return await work({ dataDir, store, reach })
  } finally {
    follower.stop()
    store.close()
  }
}

/** There is nothing to make a copy of. */
export function emptyStream(): LinkError {
  return new LinkError('HUB_STREAM_EMPTY', 'no hub has written to this NATS server', {
    hint: 'Check the address and the account.',
  })
}
