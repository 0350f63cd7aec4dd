/** A project that is deleted is in no file any more, and its neighbours are as they were. */
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { serveHub } from '#dist/hub/server.js'
import { createToken } from '#dist/hub/access/tokens.js'
import { verifyHub } from '#dist/hub/upkeep/verify.js'
import { createWebhook, listWebhooks } from '#dist/hub/access/webhooks.js'
import { runCli } from '../support/cli-in-process.ts'
import { newCommit, newEvent, newLines, newMove, openLink, readAll, request } from './support.ts'
import { startHub } from './support.ts'
import type { TestLink } from './support.ts'

const CANARY = 'quillwort-canary'
const GIT_HASH = 'ca'.repeat(20)

async function fill(link: TestLink, project_uuid: string, word: string): Promise<void> {
  // Enough for pages that overflow, and for rows that are spread over the file.
  const events = Array.from({ length: 40 }, () =>
    newEvent({ project_uuid, payload: { note: word.repeat(200) } }),
  )
  const frames = [
    ...events.map((event) => ({ type: 'event', ...event })),
    newCommit({ project_uuid, git_hash: GIT_HASH, changed_files: [`kitty-specs/${word}`] }),
    newLines({
      project_uuid,
      git_hash: GIT_HASH,
      mission: word,
      rows: [{ line: 1, row: newMove({ actor: word }) }],
    }),
  ]
  link.send(...frames.map((frame) => JSON.stringify(frame)))
  const types = (await link.take(frames.length)).map(({ type }) => type)
  expect(types).not.toContain('error')
}

const holding = (folder: string, word: string): readonly string[] =>
  readdirSync(folder).filter((name) => readFileSync(join(folder, name)).includes(word))

describe('hub delete', () => {
  it('leaves no byte of a project, and all of the others, of the same name too', async () => {
    const { hub, dataDir, token } = await startHub()
    const rival = createToken({ dataDir, team: 'rival', user: 'kim' })
    const [mine, other] = [randomUUID(), randomUUID()]
    const [link, theirs] = [await openLink(hub, token), await openLink(hub, rival)]
    await fill(link, mine, CANARY)
    await fill(link, other, 'neighbour')
    await fill(theirs, mine, 'rivalrous')
    createWebhook({ dataDir, team: 'acme', project: mine })
    createWebhook({ dataDir, team: 'rival', project: mine })
    expect(holding(dataDir, CANARY)).not.toEqual([])
    const run = async (...flags: string[]) => {
      const words = ['hub', 'delete', '--team', 'acme', '--project', mine, ...flags]
      const { out, code } = await runCli(dataDir, [...words, '--data', dataDir, '--json'])
      return { code, document: JSON.parse(out) as Record<string, unknown> }
    }
    expect((await run()).document).toMatchObject({ error: { code: 'HUB_DELETE_UNCONFIRMED' } })
    expect((await run('--yes')).document).toMatchObject({ error: { code: 'HUB_DATA_IN_USE' } })
    await hub.stop()
    expect(await run('--yes')).toEqual({
      code: 0,
      document: { ok: true, events: 40, commits: 1, lines: 1, webhooks: 1, kept_aside: [] },
    })
    expect(holding(dataDir, CANARY)).toEqual([])
    expect(verifyHub(dataDir)).toMatchObject({ sound: true, events: 80, commits: 2, lines: 2 })
    expect(listWebhooks(dataDir).map(({ team }) => team)).toEqual(['rival'])
    expect((await run('--yes')).document).toMatchObject({ events: 0, commits: 0, lines: 0 })

    const again = await serveHub({ dataDir })
    onTestFinished(() => again.stop())
    expect(await readAll(again, token, other)).toHaveLength(40)
    expect(await readAll(again, rival, mine)).toHaveLength(40)
    const gone = await request(again, `/api/v1/events?project_uuid=${mine}`, token)
    expect([gone.status, gone.body]).toMatchObject([200, { events: [] }])
    // Who works there still goes on.
    const back = await openLink(again, token)
    await fill(back, mine, 'afresh')
    expect(await readAll(again, token, mine)).toHaveLength(40)
  })

  it('asked for again, leaves no byte of what a deletion took that was ended', async () => {
    const { hub, dataDir, token } = await startHub()
    const mine = randomUUID()
    await fill(await openLink(hub, token), mine, CANARY)
    await hub.stop()
    // Its transaction, without what comes behind it.
    const database = new Database(join(dataDir, 'hub.db'))
    for (const table of ['events', 'commits', 'lines', 'projects'])
      database.exec(`DELETE FROM ${table}`)
    database.close()
    expect(holding(dataDir, CANARY)).not.toEqual([])
    const words = ['hub', 'delete', '--team', 'acme', '--project', mine, '--data', dataDir]
    await runCli(dataDir, [...words, '--yes'])
    expect(holding(dataDir, CANARY)).toEqual([])
  })
})
