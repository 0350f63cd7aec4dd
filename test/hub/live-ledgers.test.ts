/** Who follows a project learns that its ledgers have new rows, and what was folded is folded again only then. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '#dist/contracts/json/json.js'
import { Kept } from '#dist/hub/kept.js'
import { createToken } from '#dist/hub/access/tokens.js'
import { fc, property } from '../support/property.ts'
import { newCommit, newLines, newMove, openLink, request, startHub } from './support.ts'
import type { TestLink } from './support.ts'

const text = (frame: JsonObject): string => JSON.stringify(frame)
const subscribe = (project_uuid: string, rest: JsonObject = {}): string =>
  text({ type: 'subscribe', project_uuid, ...rest })

async function withCommit(link: TestLink) {
  const project_uuid = randomUUID()
  const commit = newCommit({ project_uuid })
  link.send(text(commit))
  expect(await link.take(1)).toMatchObject([{ type: 'LocalCommitAck' }])
  const git_hash = commit['git_hash'] ?? null
  const lines = (fields: JsonObject = {}) => newLines({ project_uuid, git_hash, ...fields })
  return { project_uuid, lines }
}

describe('new rows of a ledger', () => {
  it('are told to who follows the project, once, by their number', async () => {
    const { hub, dataDir, token } = await startHub()
    const rival = createToken({ dataDir, team: 'rival', user: 'kim' })
    const [link, follower] = [await openLink(hub, token), await openLink(hub, token)]
    const stranger = await openLink(hub, rival)
    const { project_uuid, lines } = await withCommit(link)
    await follower.take(1)
    // A project of the same name, of another team.
    stranger.send(text(newCommit({ project_uuid })))
    await stranger.take(1)
    for (const one of [follower, stranger]) one.send(subscribe(project_uuid))
    expect(await follower.take(2)).toMatchObject([{ type: 'subscribed', lines_seq: 0 }, {}])
    await stranger.take(2)
    const [moves, decision] = [
      lines(),
      lines({ ledger: 'decisions', rows: [{ line: 1, row: {} }] }),
    ]
    for (const frame of [moves, moves, decision]) {
      link.send(text(frame))
      expect(await link.take(1)).toMatchObject([{ type: 'LedgerLinesAck' }])
    }
    const told = await follower.take(2)
    expect(told).toMatchObject([
      { type: 'LedgerLines', project_uuid, mission: 'login', ledger: 'status' },
      { type: 'LedgerLines', project_uuid, mission: 'login', ledger: 'decisions' },
    ])
    const [first, last] = told.map((frame) => Number(frame['lines_seq']))
    expect(last).toBeGreaterThan(first ?? 0)
    // What was told and what is shown have one number.
    const query = `project_uuid=${project_uuid}&mission=login`
    expect((await request(hub, `/api/v1/board?${query}`, token)).body).toMatchObject({
      lines_seq: first,
    })
    const answer = await request(hub, `/api/v1/decisions?${query}`, token)
    expect(answer.body).toMatchObject({ lines_seq: last })
    follower.send(subscribe(project_uuid))
    expect(await follower.take(2)).toMatchObject([{ type: 'subscribed', lines_seq: last }, {}])
    stranger.send(subscribe(project_uuid))
    expect(await stranger.take(2)).toMatchObject([{ type: 'subscribed', lines_seq: 0 }, {}])
  })

  it('are told once for a ledger, however many frames they came in at once', async () => {
    const { hub, token } = await startHub()
    const [link, follower] = [await openLink(hub, token), await openLink(hub, token)]
    const { project_uuid, lines } = await withCommit(link)
    await follower.take(1)
    follower.send(subscribe(project_uuid))
    await follower.take(2)
    const frames = Array.from({ length: 40 }, (_, at) =>
      lines({ rows: [{ line: at + 1, row: newMove() }] }),
    )
    link.send(...frames.map(text))
    await link.take(frames.length)
    let [told, seq] = [0, 0]
    while (seq < frames.length) {
      const [frame] = await follower.take(1)
      expect(frame).toMatchObject({ type: 'LedgerLines' })
      expect(Number(frame?.['lines_seq'])).toBeGreaterThan(seq)
      seq = Number(frame?.['lines_seq'])
      told += 1
    }
    expect(told).toBeLessThanOrEqual(frames.length)
  })
})

describe('a board', () => {
  it('is folded again when there are new rows, and not before', async () => {
    const { hub, dataDir, token } = await startHub()
    const link = await openLink(hub, token)
    const { project_uuid, lines } = await withCommit(link)
    const board = async () =>
      (await request(hub, `/api/v1/board?project_uuid=${project_uuid}&mission=login`, token)).body
    const packages = async () => (await board())['work_packages'] as { wp_id: string }[]
    link.send(text(lines({ rows: [{ line: 1, row: newMove() }] })))
    await link.take(1)
    expect(await packages()).toMatchObject([{ wp_id: 'WP01' }])
    // What lies there is read only when it is folded.
    const database = new Database(join(dataDir, 'hub.db'))
    database.exec(`UPDATE lines SET body = replace(body, 'WP01', 'WP99')`)
    database.close()
    expect(await packages()).toMatchObject([{ wp_id: 'WP01' }])
    const missions = async () =>
      (await request(hub, `/api/v1/missions?project_uuid=${project_uuid}`, token)).body['missions']
    expect(await missions()).toMatchObject([{ summary: { claimed: 1, planned: 0 } }])
    link.send(text(lines({ rows: [{ line: 2, row: newMove({ wp_id: 'WP02' }) }] })))
    await link.take(1)
    expect(await board()).toMatchObject({
      work_packages: [{ wp_id: 'WP02' }],
      anomalies: [{ line: 1, what: 'the hub can no longer read it' }, { line: 2 }],
    })
    expect(await missions()).toMatchObject([{ summary: { claimed: 1 }, status_rows: 2 }])
  })
})

describe('what is kept', () => {
  property([
    fc.array(fc.record({ name: fc.nat(4), last: fc.nat(3), length: fc.nat(12) }), {
      maxLength: 60,
    }),
  ])('is never older than its last row, and never more than there is room for', (asked) => {
    const kept = new Kept<string>(20)
    const held = new Map<string, { last: number; length: number }>()
    for (const { name, last, length } of asked) {
      let isMade = false
      const value = kept.of(`${name}`, last, () => {
        isMade = true
        return { value: `${name} at ${last}`, length }
      })
      expect(value).toBe(`${name} at ${last}`)
      const before = held.get(`${name}`)
      if (before?.last !== last) expect(isMade).toBe(true)
      held.delete(`${name}`)
      held.set(`${name}`, isMade ? { last, length } : (before ?? { last, length }))
      // The same bound, counted here: what is beyond it has to be made again.
      let sum = [...held.values()].reduce((total, one) => total + one.length, 0)
      for (const [oldest, one] of held) {
        if (sum <= 20) break
        held.delete(oldest)
        sum -= one.length
      }
      if (before?.last === last) expect(isMade).toBe(false)
    }
  })
})
