/** What was ended or deleted, and was told to a server that lost it: no base and no late hub brings it back. */
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, it, vi } from 'vitest'
import { deleteShared } from '#dist/hub/nats/delete-shared.js'
import { retainShared } from '#dist/hub/nats/retain-shared.js'
import { issueToken, listTokens, revokeToken } from '#dist/hub/access/tokens.js'
import { createWebhook, listWebhooks, revokeWebhook } from '#dist/hub/access/webhooks.js'
import type { NatsProcess } from '../../../scripts/nats-process.mjs'
import {
  contentOf,
  describeNats,
  eventEntry,
  keepDisk,
  startBackend,
  startNats,
} from './support.ts'
import type { TestBackend } from './support.ts'

const OTHER_PROJECT = '11111111-2222-4333-8444-555555555555'
const PATIENCE_MS = 10_000

const elsewhere = (note: string) => ({ ...eventEntry(note), project_uuid: OTHER_PROJECT })

function rowsElsewhere({ store }: TestBackend): number {
  const id = store.project('acme', OTHER_PROJECT)?.project_id ?? -1
  return store.feed(id, 0, { rowsMax: 99, bytesMax: 99_999 }).length
}

/** One hub alone does what the server loses; the other one goes on without it, until a base stands for that. */
async function losing(
  server: NatsProcess,
  work: {
    readonly before: (one: TestBackend) => Promise<void>
    readonly lost: (one: TestBackend) => Promise<void>
    readonly away?: (dataDir: string) => void
  },
): Promise<readonly [TestBackend, TestBackend]> {
  const [one, other] = [await startBackend(server), await startBackend(server)]
  await one.append(eventEntry('first'), elsewhere('canary'))
  await work.before(one)
  await vi.waitFor(() => expect(contentOf(other)).toEqual(contentOf(one)), PATIENCE_MS)
  const disk = await keepDisk(server)
  const ready = () => expect([one.backend.state, other.backend.state]).toEqual(['ready', 'ready'])
  await vi.waitFor(ready, PATIENCE_MS)
  await other.close()
  await work.lost(one)
  await one.close()
  work.away?.(one.dataDir)
  await disk.putBack()
  const alone = await startBackend(server, other.dataDir)
  for (let n = 0; n < 6; n++) await alone.append(eventEntry(`${n}`))
  const nats = { servers: server.url }
  await retainShared({ nats, before: 0, project: null, isDryRun: false })
  return [await startBackend(server, one.dataDir), alone]
}

describeNats('what a server has lost and a base lacks', () => {
  it('is not in force again: tokens and webhooks that have ended, and none is gone', async () => {
    const server = await startNats()
    const about = { team: 'acme', user: 'kim' }
    let ids: readonly [string, string] = ['', '']
    const hubs = await losing(server, {
      before: async (one) => {
        const { token_id } = issueToken({ dataDir: one.dataDir, ...about })
        const webhook = { dataDir: one.dataDir, team: 'acme', project: OTHER_PROJECT }
        ids = [token_id, createWebhook(webhook).webhook_id]
        await one.backend.shared?.tell()
      },
      lost: async (one) => {
        revokeToken(one.dataDir, ids[0])
        revokeWebhook(one.dataDir, ids[1])
        issueToken({ dataDir: one.dataDir, ...about })
        await one.backend.shared?.tell()
      },
    })
    await vi.waitFor(() => {
      for (const { dataDir } of hubs) {
        expect(listTokens(dataDir).map(({ state }) => state)).toEqual(['revoked', 'live'])
        expect(listWebhooks(dataDir)).toMatchObject([{ revoked_at: expect.any(Number) as number }])
      }
    }, PATIENCE_MS)
  })

  it('is not there again: a project that was deleted', async () => {
    const server = await startNats()
    const hubs = await losing(server, {
      before: async () => {},
      lost: async () => {
        await deleteShared({ servers: server.url }, 'acme', OTHER_PROJECT)
      },
    })
    await vi.waitFor(() => expect(hubs.map(rowsElsewhere)).toEqual([0, 0]), PATIENCE_MS)
    // Once: what is recorded there from now on stays, whoever comes.
    await hubs[1].append(elsewhere('anew'))
    const late = await startBackend(server)
    await vi.waitFor(() => {
      for (const hub of [...hubs, late]) expect(rowsElsewhere(hub)).toBe(1)
    }, PATIENCE_MS)
  })

  it('says nothing of another epoch: what was recorded in this one stays', async () => {
    const server = await startNats()
    const hubs = await losing(server, {
      before: async () => {},
      lost: async () => {
        await deleteShared({ servers: server.url }, 'acme', OTHER_PROJECT)
      },
      away: (dataDir) => {
        const database = new Database(join(dataDir, 'hub.db'))
        database.exec("UPDATE meta SET value = 'another' WHERE key = 'epoch'")
        database.close()
      },
    })
    await hubs[1].append(elsewhere('next'))
    await vi.waitFor(() => expect(hubs.map(rowsElsewhere)).toEqual([2, 2]), PATIENCE_MS)
  })

  it('is not there again: a webhook of a project that was deleted while its hub was away', async () => {
    const server = await startNats()
    const away = await startBackend(server)
    await away.append(elsewhere('x'), eventEntry('first'))
    const disk = await keepDisk(server)
    await vi.waitFor(() => expect(away.backend.state).toBe('ready'), PATIENCE_MS)
    createWebhook({ dataDir: away.dataDir, team: 'acme', project: OTHER_PROJECT })
    await away.backend.shared?.tell()
    await away.append(eventEntry('lost'))
    await away.close()
    await disk.putBack()
    const one = await startBackend(server)
    await one.append(eventEntry('in its place'), eventEntry('and on'), eventEntry('and on'))
    await deleteShared({ servers: server.url }, 'acme', OTHER_PROJECT)
    const back = await startBackend(server, away.dataDir)
    await vi.waitFor(() => expect(contentOf(back)).toEqual(contentOf(one)), PATIENCE_MS)
    for (const { dataDir } of [one, back]) expect(listWebhooks(dataDir)).toEqual([])
  })
})
