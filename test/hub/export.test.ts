/** The events of a project as lines that other commands read. */
import { randomUUID } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { createToken } from '#dist/hub/access/tokens.js'
import { runCli } from '../support/cli-in-process.ts'
import { newEvent, postBatch, startHub, temporaryFolder } from './support.ts'

async function withEvents() {
  const { hub, dataDir, token } = await startHub()
  const project_uuid = randomUUID()
  const events = Array.from({ length: 3 }, (_, at) =>
    newEvent({ project_uuid, lamport_clock: at + 1 }),
  )
  const rival = createToken({ dataDir, team: 'rival', user: 'kim' })
  await postBatch(hub, token, { events })
  await postBatch(hub, token, { events: [newEvent()] })
  await postBatch(hub, rival, { events: [newEvent({ project_uuid })] })
  const folder = temporaryFolder()
  const run = async (out: string, team = 'acme', project = project_uuid) => {
    const words = ['hub', 'export', '--team', team, '--project', project]
    const end = await runCli(folder, [...words, '--out', out, '--data', dataDir, '--json'])
    return { code: end.code, document: JSON.parse(end.out) as Record<string, unknown> }
  }
  const linesOf = (name: string) =>
    readFileSync(join(folder, name), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
  return { dataDir, folder, events, run, linesOf }
}

describe('an export', () => {
  it('holds the events of one project of one team, as they came, for replay to read', async () => {
    const { folder, events, run, linesOf } = await withEvents()
    expect(await run('a.jsonl')).toMatchObject({ code: 0, document: { events: 3, damaged: [] } })
    expect(linesOf('a.jsonl')).toEqual(events)
    expect(statSync(join(folder, 'a.jsonl')).mode & 0o777).toBe(0o600)
    const replayed = await runCli(folder, ['replay', 'a.jsonl', '--reducer', 'status', '--json'])
    expect(replayed.code).toBe(0)
    expect(replayed.out).not.toContain('malformed_event')
  })

  it('leaves out what is damaged, and says so', async () => {
    const { dataDir, events, run, linesOf } = await withEvents()
    const database = new Database(join(dataDir, 'hub.db'))
    database.exec(`UPDATE events SET body = replace(body, 'WP01', 'WP99') WHERE project_seq = 2`)
    database.close()
    expect(await run('a.jsonl')).toMatchObject({ code: 1, document: { events: 2, damaged: [2] } })
    expect(linesOf('a.jsonl')).toEqual([events[0], events[2]])
  })

  it('takes no file that is there, and knows no project of another team', async () => {
    const { run } = await withEvents()
    await run('a.jsonl')
    expect((await run('a.jsonl')).document).toMatchObject({ error: { code: 'EXPORT_EXISTS' } })
    expect((await run('absent/a')).document).toMatchObject({ error: { code: 'EXPORT_WRITE' } })
    for (const [team, project] of [
      ['nobody', undefined],
      ['acme', randomUUID()],
    ] as const) {
      const { document } = await run('b.jsonl', team, project)
      expect(document).toMatchObject({ error: { code: 'HUB_PROJECT_UNKNOWN' } })
    }
  })
})
