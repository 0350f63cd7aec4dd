/** Data moves into NATS and out of it, and a project goes from both. */
import Database from 'better-sqlite3'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { deleteProject } from '#dist/hub/upkeep/delete-project.js'
import { openNats, STREAM } from '#dist/hub/nats/connect.js'
import { deleteShared } from '#dist/hub/nats/delete-shared.js'
import { migrateFromNats, migrateToNats } from '#dist/hub/nats/migrate.js'
import { retainHub } from '#dist/hub/upkeep/retain.js'
import { issueToken } from '#dist/hub/access/tokens.js'
import { createWebhook } from '#dist/hub/access/webhooks.js'
import { verifyHub } from '#dist/hub/upkeep/verify.js'
import { temporaryFolder } from '../support.ts'
import {
  commitEntry,
  contentOf,
  describeNats,
  eventEntry,
  filesWith,
  linesEntry,
  PROJECT,
  pushedEntry,
  rowsOf,
  startBackend,
  startNats,
} from './support.ts'

const OTHER_PROJECT = '11111111-2222-4333-8444-555555555555'

/** A hub of its own that was used for a while, and is stopped. */
async function usedHub(): Promise<{ readonly dataDir: string; readonly before: object }> {
  const one = await startBackend(null)
  issueToken({ dataDir: one.dataDir, team: 'acme', user: 'sam' })
  createWebhook({ dataDir: one.dataDir, team: 'acme', project: PROJECT })
  for (let i = 0; i < 30; i++) {
    const hash = `${i}a`.padEnd(40, '0')
    await one.append(eventEntry(`${i}`), commitEntry(hash, `M${i % 3}`), eventEntry(`${i}!`))
    await one.append(linesEntry(hash, `l${i}`), { ...linesEntry(hash, `h${i}`), history: true })
    if (i % 2 === 0) await one.append(pushedEntry(hash))
    await one.append({ ...eventEntry('other'), project_uuid: OTHER_PROJECT, team: 'rival' })
  }
  const before = rowsOf(one)
  await one.close()
  return { dataDir: one.dataDir, before }
}

describeNats('a move', () => {
  it('into NATS and back keeps every row, with its time, its order and who may come', async () => {
    const { dataDir, before } = await usedHub()
    const server = await startNats()
    const nats = { servers: server.url }
    const source = readFileSync(join(dataDir, 'hub.db'))
    const digest = await migrateToNats({ dataDir, nats })
    expect(digest).toMatchObject({ projects: 2, events: 90, commits: 30, lines: 60, damaged: 0 })
    expect(readFileSync(join(dataDir, 'hub.db')).equals(source)).toBe(true)
    const hub = await startBackend(server)
    expect(rowsOf(hub)).toEqual(before)
    await hub.append(eventEntry('new'))
    const after = rowsOf(hub)
    await hub.close()
    const alone = temporaryFolder()
    const back = await migrateFromNats({ dataDir: alone, nats })
    expect(back).toMatchObject({ projects: 2, events: 91, commits: 30, lines: 60 })
    expect(verifyHub(alone)).toMatchObject({ sound: true, events: 91 })
    const again = await startBackend(null, alone)
    expect(rowsOf(again)).toEqual(after)
    await again.close()
    // And once more, from what came back.
    const empty = await startNats()
    const third = await migrateToNats({ dataDir: alone, nats: { servers: empty.url } })
    expect(third.sum).toBe(back.sum)
  })

  it('into NATS goes on where it was ended, and is done again without doing anything', async () => {
    const { dataDir, before } = await usedHub()
    const [whole, server] = [await startNats(), await startNats()]
    const { sum } = await migrateToNats({ dataDir, nats: { servers: whole.url } })
    // As far as one came that was ended.
    const [from, to] = [
      await openNats({ servers: whole.url }),
      await openNats({ servers: server.url }),
    ]
    for (let seq = 1; seq <= 20; seq++) {
      const message = await from.manager.streams.getMessage(STREAM, { seq })
      if (message === null) throw new Error('the move was too short')
      const msgID = message.header.get('Nats-Msg-Id')
      await to.jetstream.publish(message.subject, message.data, { msgID })
    }
    await Promise.all([from.connection.close(), to.connection.close()])
    const nats = { servers: server.url }
    expect((await migrateToNats({ dataDir, nats })).sum).toBe(sum)
    expect((await migrateToNats({ dataDir, nats })).sum).toBe(sum)
    expect(rowsOf(await startBackend(server))).toEqual(before)
    expect(readdirSync(dataDir).filter((name) => name.startsWith('migrate-'))).toEqual([])
  })

  it('into NATS keeps the rows of ledgers whose commit is gone', async () => {
    const one = await startBackend(null)
    const hash = 'ab'.repeat(20)
    await one.append(commitEntry(hash), linesEntry(hash), eventEntry())
    await one.close()
    const database = new Database(join(one.dataDir, 'hub.db'))
    database.exec('DELETE FROM commits')
    database.close()
    const server = await startNats()
    const nats = { servers: server.url }
    expect(await migrateToNats({ dataDir: one.dataDir, nats })).toMatchObject({ lines: 1 })
    expect(contentOf(await startBackend(server))).toMatchObject({ lines: [{ commit: hash }] })
  })

  it('is refused where the target holds something, or the source is no sound data of its own', async () => {
    const { dataDir } = await usedHub()
    const server = await startNats()
    const nats = { servers: server.url }
    const into = temporaryFolder()
    await expect(migrateFromNats({ dataDir: into, nats })).rejects.toMatchObject({
      code: 'HUB_STREAM_EMPTY',
    })
    const hub = await startBackend(server)
    await hub.append(eventEntry())
    const taken = { code: 'HUB_TARGET_NOT_EMPTY' }
    await expect(migrateToNats({ dataDir, nats })).rejects.toMatchObject(taken)
    await expect(migrateFromNats({ dataDir, nats })).rejects.toMatchObject(taken)
    await hub.close()
    await expect(migrateToNats({ dataDir: hub.dataDir, nats })).rejects.toMatchObject({
      code: 'HUB_DATA_SHARED',
    })
    await expect(migrateToNats({ dataDir: into, nats })).rejects.toMatchObject({
      code: 'HUB_DATA_MISSING',
    })
    expect(existsSync(join(into, 'hub.db'))).toBe(false)
    const database = new Database(join(dataDir, 'hub.db'))
    database.exec("UPDATE events SET body = '{}' WHERE seq = 3")
    database.close()
    const empty = { servers: (await startNats()).url }
    await expect(migrateToNats({ dataDir, nats: empty })).rejects.toMatchObject({
      code: 'HUB_DATA_DAMAGED',
    })
  })
})

describeNats('a project that is deleted', () => {
  it('is gone from every hub, also one that was away, and from every file, and others stay', async () => {
    const server = await startNats()
    const [one, away] = [await startBackend(server), await startBackend(server)]
    const secret = 'Kalmückenbein'
    await one.append(eventEntry(secret), commitEntry('ab'.repeat(20), secret))
    await one.append({ ...linesEntry('ab'.repeat(20), secret) })
    const other = { ...eventEntry('stays'), project_uuid: OTHER_PROJECT }
    await one.append(other)
    await vi.waitFor(() => expect(away.shown).toHaveLength(3))
    await away.close()
    expect(filesWith(secret, server.folder, one.dataDir, away.dataDir).length).toBeGreaterThan(2)
    expect(await deleteShared({ servers: server.url }, 'acme', PROJECT)).toEqual({ messages: 3 })
    await vi.waitFor(() => expect(one.store.project('acme', PROJECT)?.forgotten).toBeGreaterThan(0))
    const forgotten = one.store.project('acme', PROJECT)?.forgotten ?? 0
    const back = await startBackend(server, away.dataDir)
    const late = await startBackend(server)
    for (const { store } of [one, back, late]) {
      expect(store.project('acme', PROJECT)).toMatchObject({ head: forgotten, forgotten })
      expect(store.project('acme', OTHER_PROJECT)).toMatchObject({ head: 1 })
    }
    expect(one.restarts).toBeGreaterThan(1)
    expect(filesWith(secret, server.folder, one.dataDir, back.dataDir, late.dataDir)).toEqual([])
    // The project may come again, in one order at all of them.
    expect(await late.append(eventEntry('anew'))).toEqual([
      { verdict: 'accepted', seq: forgotten + 1 },
    ])
    // One that comes last reads what was before, the deletion and what came behind in one go.
    const hubs = [late, one, back, await startBackend(server)]
    await vi.waitFor(() => {
      for (const hub of hubs) expect(contentOf(hub)).toEqual(contentOf(late))
    })
  })
})

describeNats('what was deleted', () => {
  it('is no hindrance to a move, and is not there either', async () => {
    const { dataDir } = await usedHub()
    expect(deleteProject({ dataDir, team: 'acme', project: PROJECT })).toMatchObject({ events: 60 })
    deleteProject({ dataDir, team: 'rival', project: OTHER_PROJECT })
    const again = await startBackend(null, dataDir)
    await again.append(eventEntry('anew'))
    await again.close()
    const nats = { servers: (await startNats()).url }
    const digest = await migrateToNats({ dataDir, nats })
    expect(digest).toMatchObject({ projects: 1, events: 1, commits: 0 })
    await deleteShared(nats, 'acme', PROJECT)
    const alone = temporaryFolder()
    expect(await migrateFromNats({ dataDir: alone, nats })).toMatchObject({
      projects: 0,
      events: 0,
    })
    expect(verifyHub(alone)).toMatchObject({ sound: true, events: 0 })
  })
})

describeNats('what was emptied', () => {
  it('is moved as it is, and is known again', async () => {
    const one = await startBackend(null)
    const [commit, event] = [commitEntry('ab'.repeat(20)), eventEntry('canary')]
    await one.append(commit, event, linesEntry('ab'.repeat(20)), pushedEntry('ab'.repeat(20)))
    await one.close()
    const { dataDir } = one
    const server = await startNats()
    const nats = { servers: server.url }
    expect(retainHub({ dataDir, keepMs: 0, project: null })).toMatchObject({
      events: 1,
      commits: 1,
    })
    const digest = await migrateToNats({ dataDir, nats })
    expect(digest).toMatchObject({ events: 1, commits: 1, lines: 1, damaged: 0 })
    const shared = await startBackend(server)
    expect(contentOf(shared)).toMatchObject({ head: 2, feed: [] })
    const again = await shared.append(event, commit, eventEntry('new'))
    expect(again.map(({ verdict, seq }) => [verdict, seq])).toEqual([
      ['duplicate', 0],
      ['duplicate', 0],
      ['accepted', 3],
    ])
    expect(shared.shown.map(({ seq }) => seq)).toEqual([3])
    await shared.close()
    const alone = temporaryFolder()
    expect(await migrateFromNats({ dataDir: alone, nats })).toMatchObject({ events: 2, damaged: 0 })
    expect(verifyHub(alone)).toMatchObject({ sound: true, events: 1, commits: 0 })
  })

  it('is emptied where hubs share it, not in one copy', async () => {
    const shared = await startBackend(await startNats())
    await shared.append(eventEntry('one'))
    await shared.close()
    const before = readFileSync(join(shared.dataDir, 'hub.db'))
    expect(() => retainHub({ dataDir: shared.dataDir, keepMs: 0, project: null })).toThrow(
      expect.objectContaining({ code: 'HUB_DATA_SHARED' }),
    )
    expect(readFileSync(join(shared.dataDir, 'hub.db')).equals(before)).toBe(true)
  })
})
