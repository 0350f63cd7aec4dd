import Database from 'better-sqlite3'
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { backupHub, restoreHub } from '#dist/hub/upkeep/backup.js'
import { serveHub } from '#dist/hub/server.js'
import { createToken, issueToken, revokeToken } from '#dist/hub/access/tokens.js'
import { verifyHub } from '#dist/hub/upkeep/verify.js'
import { run } from '../support/program.ts'
import {
  batchOf,
  newCommit,
  newEvent,
  openLink,
  postBatch,
  readAll,
  request,
  startHub,
  temporaryFolder,
} from './support.ts'

const codeOf = (act: () => unknown): unknown => {
  try {
    return act()
  } catch (error) {
    return (error as { code: unknown }).code
  }
}

const epochOf = async (hub: { readonly url: string }, token: string): Promise<unknown> =>
  (await request(hub, '/api/v1/sync/health/', token)).body['epoch']

describe(backupHub, () => {
  it('holds one moment of a hub that takes events meanwhile, and never takes the place of a file', async () => {
    const { hub, dataDir, token } = await startHub()
    const file = join(temporaryFolder(), 'backup.db')
    const { project_uuid } = newEvent()
    const link = await openLink(hub, token)
    // A process of its own, so that the hub goes on while it writes.
    const place = { cwd: dataDir, env: process.env }
    const backup = run(place, ['hub', 'backup', '--data', dataDir, '--out', file])
    let isDone = false
    void backup.finally(() => {
      isDone = true
    })
    let batches = 0
    while (!isDone) {
      link.send(
        batchOf(
          ++batches,
          Array.from({ length: 50 }, () => newEvent({ project_uuid })),
        ),
      )
      expect(await link.take(1)).toMatchObject([{ through: batches, rejected: [] }])
    }
    const { code, document } = await backup
    expect(code).toBe(0)
    expect(document).toMatchObject({ ok: true, file, sound: true, gaps: [] })
    // Whole transactions and no part of one.
    expect(Number(document['events']) % 50).toBe(0)
    expect(Number(document['events'])).toBeLessThanOrEqual(batches * 50)
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600)
    const before = readFileSync(file)
    expect(codeOf(() => backupHub(dataDir, file))).toBe('HUB_BACKUP_EXISTS')
    expect(readFileSync(file).equals(before)).toBe(true)
    expect(readFileSync(file).includes(token)).toBe(false)
    const nowhere = join(dataDir, 'nowhere', 'backup.db')
    expect(codeOf(() => backupHub(dataDir, nowhere))).toBe('HUB_BACKUP_FAILED')
    expect(codeOf(() => backupHub(join(dataDir, 'nowhere'), `${file}2`))).toBe('HUB_DATA_MISSING')
    expect(readdirSync(join(file, '..'))).toEqual(['backup.db'])
  })
})

describe(restoreHub, () => {
  it('brings back what the backup holds, under a new epoch, above the old numbers, with the present tokens', async () => {
    const { hub, dataDir, token } = await startHub()
    const file = join(temporaryFolder(), 'backup.db')
    const revoked = issueToken({ dataDir, team: 'acme', user: 'kim' })
    const { project_uuid } = newEvent()
    const [kept, lost] = [1, 2].map(() => newEvent({ project_uuid }))
    await postBatch(hub, token, { events: [kept ?? {}] })
    backupHub(dataDir, file)
    const later = createToken({ dataDir, team: 'acme', user: 'lou' })
    revokeToken(dataDir, revoked.token_id)
    await postBatch(hub, token, { events: [lost ?? {}] })
    const epoch = await epochOf(hub, token)
    expect(codeOf(() => restoreHub(dataDir, file))).toBe('HUB_DATA_IN_USE')
    await hub.stop()
    const { before, ...restored } = restoreHub(dataDir, file)
    expect(restored).toEqual({ events: 1, commits: 0, epoch: expect.any(String), shared: false })
    expect(existsSync(String(before))).toBe(true)
    const again = await serveHub({ dataDir })
    onTestFinished(() => again.stop())
    expect(await epochOf(again, token)).toBe(restored.epoch)
    expect(restored.epoch).not.toBe(epoch)
    // The client sends again what it has no acknowledgement of under this epoch.
    const { body } = await postBatch(again, later, { events: [kept ?? {}, lost ?? {}] })
    expect(body.results?.map(({ status }) => status)).toEqual(['duplicate', 'success'])
    const rows = await readAll(again, token, project_uuid)
    expect(rows.map(({ event }) => event)).toEqual([kept, lost])
    expect(rows[1]?.seq).toBeGreaterThan(2)
    expect((await request(again, '/api/v1/me', revoked.token)).status).toBe(401)
    expect(verifyHub(dataDir)).toMatchObject({ sound: true, events: 2 })
    // What was set aside is the data as it was.
    const aside = temporaryFolder()
    copyFileSync(String(before), join(aside, 'hub.db'))
    expect(verifyHub(aside)).toMatchObject({ sound: true, events: 2 })
  })

  it('takes the tokens of the backup into a new folder', async () => {
    const { hub, dataDir, token } = await startHub()
    const file = join(temporaryFolder(), 'backup.db')
    const event = newEvent()
    await postBatch(hub, token, { events: [event] })
    backupHub(dataDir, file)
    const epoch = await epochOf(hub, token)
    const fresh = join(temporaryFolder(), 'hub')
    expect(restoreHub(fresh, file)).toMatchObject({ events: 1, before: null })
    const other = await serveHub({ dataDir: fresh })
    onTestFinished(() => other.stop())
    expect(await epochOf(other, token)).not.toBe(epoch)
    expect(await readAll(other, token, event.project_uuid)).toHaveLength(1)
  })

  it('puts a backup in the place of data that can no longer be read', async () => {
    const { hub, dataDir, token } = await startHub()
    const file = join(temporaryFolder(), 'backup.db')
    await postBatch(hub, token, { events: [newEvent()] })
    backupHub(dataDir, file)
    await hub.stop()
    writeFileSync(join(dataDir, 'hub.db'), 'garbage '.repeat(1_000))
    expect(restoreHub(dataDir, file)).toMatchObject({ events: 1 })
    const again = await serveHub({ dataDir })
    onTestFinished(() => again.stop())
    expect((await request(again, '/api/v1/me', token)).status).toBe(200)
  })

  it('refuses a foreign, newer or damaged file and leaves all as it is', async () => {
    const { hub, dataDir, token } = await startHub()
    await postBatch(hub, token, { events: [newEvent(), newEvent()] })
    const folder = temporaryFolder()
    const spoiled = (name: string, sql: string): string => {
      const path = join(folder, name)
      backupHub(dataDir, path)
      new Database(path).exec(sql).close()
      return path
    }
    const foreign = join(folder, 'foreign.db')
    new Database(foreign).exec('CREATE TABLE theirs (x)').close()
    const text = join(folder, 'text')
    writeFileSync(text, 'no database '.repeat(500))
    const cut = join(folder, 'cut.db')
    backupHub(dataDir, cut)
    writeFileSync(cut, readFileSync(cut).subarray(0, 40_000))
    const cases: readonly (readonly [string, string])[] = [
      [join(folder, 'nowhere'), 'HUB_BACKUP_UNUSABLE'],
      [folder, 'HUB_BACKUP_UNUSABLE'],
      [text, 'HUB_BACKUP_UNUSABLE'],
      [foreign, 'HUB_BACKUP_UNUSABLE'],
      [spoiled('newer.db', 'PRAGMA user_version = 99'), 'HUB_DATA_NEWER'],
      [spoiled('row.db', `UPDATE events SET body = '{}' WHERE seq = 2`), 'HUB_BACKUP_UNSOUND'],
      [spoiled('gap.db', 'DELETE FROM events WHERE seq = 1'), 'HUB_BACKUP_UNSOUND'],
      [
        spoiled(
          'trigger.db',
          'CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM events; END',
        ),
        'HUB_BACKUP_UNSOUND',
      ],
    ]
    await hub.stop()
    const before = readFileSync(join(dataDir, 'hub.db'))
    for (const [file, code] of cases) expect(codeOf(() => restoreHub(dataDir, file))).toBe(code)
    expect(['HUB_BACKUP_UNUSABLE', 'HUB_BACKUP_UNSOUND']).toContain(
      codeOf(() => restoreHub(dataDir, cut)),
    )
    expect(readFileSync(join(dataDir, 'hub.db')).equals(before)).toBe(true)
    expect(readdirSync(dataDir).toSorted()).toEqual(['hub.db', 'hub.lock', 'hub.mark'])
    const command = ['hub', 'restore', '--from', text, '--data', dataDir]
    const asked = await run({ cwd: dataDir, env: process.env }, command)
    expect([asked.code, asked.document.error?.code]).toEqual([2, 'HUB_RESTORE_UNCONFIRMED'])
  })
})

describe(verifyHub, () => {
  it('finds damaged rows, gaps and what is missing, while the hub serves, and ends with 1', async () => {
    const { hub, dataDir, token } = await startHub()
    const { project_uuid } = newEvent()
    const events = Array.from({ length: 5 }, () => newEvent({ project_uuid }))
    await postBatch(hub, token, { events })
    const link = await openLink(hub, token)
    link.send(JSON.stringify(newCommit({ project_uuid })))
    await link.take(1)
    const whole = { sound: true, events: 5, commits: 1, faults: [], gaps: [] }
    expect(verifyHub(dataDir)).toMatchObject(whole)
    const database = new Database(join(dataDir, 'hub.db'))
    database.exec(`
      UPDATE events SET body = replace(body, 'WP01', 'WP99') WHERE seq = 2;
      DELETE FROM events WHERE seq IN (3, 4);
      UPDATE projects SET head = 8;
      UPDATE sqlite_sequence SET seq = 4 WHERE name = 'events'`)
    database.close()
    const command = ['hub', 'verify', '--data', dataDir]
    const { code, document } = await run({ cwd: dataDir, env: process.env }, command)
    expect(code).toBe(1)
    expect(document).toEqual({
      ok: true,
      sound: false,
      events: 3,
      commits: 1,
      lines: 0,
      faults: [],
      damaged: { events: [2], commits: [], lines: [] },
      gaps: [
        { project_uuid, from: 3, to: 4 },
        { project_uuid, from: 7, to: 8 },
      ],
      missing: { events: 1, commits: 0, lines: 0 },
    })
    expect(codeOf(() => verifyHub(join(dataDir, 'nowhere')))).toBe('HUB_DATA_MISSING')
  })
})
