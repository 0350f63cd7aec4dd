/**
 * What earlier commands left to do, done by the next one that writes: commits that had to wait, entries of ours that a native
 * command took out of an index, meanings that a crash kept from a scope's file, and events whose ledger line is durable while a crash kept them from the outbox.
 */
import { existsSync } from 'node:fs'
import type { Emitter } from './emitter.ts'
import type { Parts } from './parts.ts'
import type { Event, SerializedEvent } from './contracts/event.ts'
import { identityOrNull } from './project/identity.ts'
import { deferralsPath } from './workers/git/logs/dirty-journal.ts'
import type { Deferral } from './workers/git/protocol.ts'
import { haveBranchesMoved } from './workers/git/frames/moved-branches.ts'
import { hasIndexChanged } from './workers/git/index/replaced-book.ts'
import { hasSeedMark } from './workers/git/ledgers/seed-mark.ts'
import { hasUnqueued } from './workers/git/ledgers/unqueued.ts'

export type Healed = {
  /** Hashes of the commits that were made. */
  readonly committed: readonly string[]
  readonly deferred: readonly Deferral[]
}

export type Healing = {
  /** Does what waits, native commits on missions' branches included; without anything, a few looks at the disk. @throws GitError, StoreError, RuntimeError */
  readonly heal: () => Promise<Healed>
  /** The same, and the missions' branches are looked at in any case. */
  readonly healAndLook: () => Promise<Healed>
  /** Gives the outbox what a crash kept from it. @throws StoreError, GitError, RuntimeError */
  readonly queue: (unqueued: readonly SerializedEvent[]) => Promise<void>
}

export function createHealing(
  parts: Parts & { readonly record: Emitter['record']; readonly onRecorded: () => void },
): Healing {
  const { system, repository } = parts
  const { commonDir } = repository
  const deferrals = deferralsPath(commonDir)

  const healAndLook = async (): Promise<Healed> => {
    const { committed, deferred, unqueued } = await system.git.ask(
      { type: 'git.heal' },
      'git.healed',
    )
    await queue(unqueued)
    return { committed, deferred }
  }

  async function queue(events: readonly SerializedEvent[]): Promise<void> {
    if (events.length === 0) return
    const uuid = (await identityOrNull(repository))?.uuid ?? null
    for (const event of events) {
      const { event_id, node_id, project_uuid } = JSON.parse(event) as Event
      // Stamped by another node of this machine, whose own outbox it belongs to: its next command does this.
      if (node_id !== parts.nodeId() || project_uuid !== uuid) continue
      await parts.record(event)
      await system.git.ask({ type: 'git.forget', event_ids: [event_id] }, 'git.forgotten')
    }
  }

  // Without an identity there is nothing to announce yet, whatever moved.
  const hasNativeCommits = async (): Promise<boolean> =>
    (await haveBranchesMoved(commonDir)) && (await identityOrNull(repository)) !== null

  const heal = async (): Promise<Healed> => {
    const isNeeded =
      existsSync(deferrals) ||
      hasUnqueued(commonDir) ||
      hasSeedMark(commonDir) ||
      hasIndexChanged(commonDir) ||
      (await hasNativeCommits())
    if (!isNeeded) return { committed: [], deferred: [] }
    const healed = await healAndLook()
    if (healed.committed.length > 0) parts.onRecorded()
    return healed
  }

  return { heal, healAndLook, queue }
}
