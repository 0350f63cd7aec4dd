/** What a team reads of its ledgers: missions, boards, the timeline of decisions, the glossary. */
import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HTTP_BODIES as http } from '#dist/contracts/wire/http-schemas.js'
import type { JsonObject } from '#dist/contracts/json/json.js'
import { serveHub } from '#dist/hub/server.js'
import type { Hub } from '#dist/hub/server.js'
import { createToken } from '#dist/hub/access/tokens.js'
import { newCommit, newEvent, newLines, newMove, newUlid, openLink, request } from './support.ts'

const KIM_MOVED = '2026-02-12T11:00:00.000000+00:00'
const project_uuid = randomUUID()
const git_hash = 'ab'.repeat(20)
const SAM = { actor_id: 'sam', actor_type: 'human' }
const [ASKED, OPEN] = [newUlid(), newUlid()]

let hub: Hub
let token: string

const asked = (decision_id: string, at: string, question: string): JsonObject => ({
  at,
  build_id: 'b1',
  event_id: newUlid(),
  event_type: 'DecisionInputRequested',
  mission_id: null,
  payload: {
    run_id: 'r1',
    decision_id,
    step_id: 's1',
    question,
    options: ['Postgres', 'SQLite'],
    input_key: null,
    actor: SAM,
  },
})
const answered = (decision_id: string, at: string, answer: string): JsonObject => ({
  at,
  build_id: 'b1',
  event_id: newUlid(),
  event_type: 'DecisionInputAnswered',
  mission_id: null,
  payload: { run_id: 'r1', decision_id, answer, actor: { actor_id: 'kim', actor_type: 'llm' } },
})
const rows = (...found: readonly JsonObject[]) => found.map((row, at) => ({ line: at + 1, row }))

beforeAll(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'kittiwake-hub-'))
  hub = await serveHub({ dataDir })
  token = createToken({ dataDir, team: 'acme', user: 'sam' })
  const link = await openLink(hub, token)
  const clarification = (event_type: string, payload: JsonObject): JsonObject => ({
    type: 'event',
    ...newEvent({ project_uuid, event_type, payload: { ...payload, mission_id: 'm1' } }),
  })
  const request1 = {
    conflict_id: 'c1',
    term: 'Lane',
    question: 'Which?',
    options: ['a', 'b'],
    scope_id: 'team_domain',
    step_id: 's1',
    semantic_check_event_id: newUlid(),
    urgency: 'high',
    actor: 'sam',
  }
  const request2 = { ...request1, conflict_id: 'c2', term: 'hub' }
  const { conflict_id: _, ...request3 } = { ...request1, term: 'gate' }
  const resolution = { clarification_event_id: newUlid(), actor: 'sam', selected_meaning: 'a' }
  const resolved = { ...resolution, conflict_id: 'c1', term: 'lane', scope_id: 'team_domain' }
  const third = clarification('GlossaryClarificationRequested', request3)
  const frames: readonly JsonObject[] = [
    newCommit({ project_uuid, git_hash }),
    newLines({
      project_uuid,
      git_hash,
      rows: rows(
        newMove({ from_lane: 'genesis', to_lane: 'planned' }),
        newMove({ actor: 'kim', at: KIM_MOVED }),
        newMove({ from_lane: 'genesis', to_lane: 'planned', wp_id: 'WP02' }),
      ),
    }),
    newLines({
      project_uuid,
      git_hash,
      ledger: 'decisions',
      rows: rows(
        asked(ASKED, '2026-02-12T10:00:00Z', 'Which store?'),
        answered(ASKED, '2026-02-12T10:05:00Z', 'SQLite'),
      ),
    }),
    newLines({
      project_uuid,
      ledger: 'decisions',
      mission: 'billing',
      history: true,
      rows: rows(asked(OPEN, '2026-02-11T10:00:00Z', 'Which currency?'), { odd: true }),
    }),
    clarification('GlossaryClarificationRequested', request1),
    clarification('GlossaryClarificationRequested', request2),
    clarification('GlossaryClarificationResolved', resolved),
    third,
    // Of another writer, who names the request alone.
    clarification('GlossaryClarificationResolved', {
      ...resolution,
      clarification_event_id: third['event_id'] ?? '',
    }),
  ]
  link.send(...frames.map((frame) => JSON.stringify(frame)))
  const types = (await link.take(frames.length)).map(({ type }) => type)
  expect(types).not.toContain('error')
  link.socket.close()
  await link.end()
  return async () => {
    await hub.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
})

const get = (path: string, query: Readonly<Record<string, string>> = {}) =>
  request(hub, `${path}?${new URLSearchParams({ project_uuid, ...query })}`, token)

describe('the missions', () => {
  it('are those that rows have told of', async () => {
    const { body } = await get('/api/v1/missions')
    expect(http.missionsList.parse(body).missions).toMatchObject([
      { mission: 'billing', decision_rows: 2, status_rows: 0, moved_at: null },
      { mission: 'login', decision_rows: 2, status_rows: 3, moved_at: KIM_MOVED },
    ])
  })
})

describe('the board of a mission', () => {
  it('tells who moved what, when, and by which commit', async () => {
    const board = http.board.parse((await get('/api/v1/board', { mission: 'login' })).body)
    expect(board).toMatchObject({
      mission: 'login',
      summary: { planned: 1, claimed: 1, done: 0 },
      event_count: 3,
      anomalies: [],
      is_cut: false,
    })
    expect(board.work_packages.map(({ wp_id, lane }) => [wp_id, lane])).toEqual([
      ['WP01', 'claimed'],
      ['WP02', 'planned'],
    ])
    expect(board.work_packages[0]?.moves[1]).toMatchObject({
      from_lane: 'planned',
      to_lane: 'claimed',
      actor: 'kim',
      at: '2026-02-12T11:00:00.000000+00:00',
      commit: git_hash,
    })
  })

  it('is empty where the mission has decisions alone', async () => {
    const { body } = await get('/api/v1/board', { mission: 'billing' })
    expect(body).toMatchObject({ work_packages: [], event_count: 0 })
  })

  it.each([
    [{ mission: 'nowhere' }, 404, 'NOT_FOUND'],
    [{}, 400, 'BAD_REQUEST'],
    [{ mission: 'm'.repeat(257) }, 400, 'BAD_REQUEST'],
  ])('asked for with %j is answered with %i', async (query, status, code) => {
    const answer = await get('/api/v1/board', query)
    expect([answer.status, answer.body.error?.code]).toEqual([status, code])
  })
})

describe('the timeline of decisions', () => {
  const ids = async (query: Readonly<Record<string, string>>) =>
    http.decisionsPage.parse((await get('/api/v1/decisions', query)).body)

  it('holds question, options, answer, who and commit, by time over all missions', async () => {
    const { decisions, total, anomalies } = await ids({})
    expect(total).toBe(2)
    expect(decisions).toMatchObject([
      { mission: 'billing', decision_id: OPEN, answer: null, answered_by: null, commit: null },
      {
        mission: 'login',
        decision_id: ASKED,
        question: 'Which store?',
        options: ['Postgres', 'SQLite'],
        answer: 'SQLite',
        requested_by: SAM,
        answered_by: { actor_id: 'kim' },
        commit: git_hash,
      },
    ])
    expect(anomalies).toEqual([
      { mission: 'billing', line: 2, wp_id: null, what: 'not a complete decision record' },
    ])
  })

  const searches: readonly (readonly [Readonly<Record<string, string>>, readonly string[]])[] = [
    [{ q: 'STORE' }, [ASKED]],
    [{ q: 'postgres' }, [OPEN, ASKED]],
    [{ q: 'kim' }, [ASKED]],
    [{ q: 'nothing of the kind' }, []],
    [{ q: '' }, [OPEN, ASKED]],
    [{ mission: 'billing' }, [OPEN]],
    [{ mission: 'billing', q: 'store' }, []],
    [{ limit: '1' }, [OPEN]],
    [{ after: '1', limit: '1' }, [ASKED]],
    [{ after: '2' }, []],
  ]

  it.each(searches)('asked for with %j is %j', async (query, wanted) => {
    const { decisions } = await ids(query)
    expect(decisions.map(({ decision_id }) => decision_id)).toEqual(wanted)
  })
})

describe('the glossary', () => {
  it('lists clarifications, and how many are open', async () => {
    const glossary = http.glossary.parse((await get('/api/v1/glossary')).body)
    expect(glossary).toMatchObject({ open: 1, anomalies: [], is_cut: false })
    expect(glossary.clarifications).toMatchObject([
      { conflict_id: 'c1', mission_id: 'm1', resolution: { sense: { definition: 'a' } } },
      { conflict_id: 'c2', term: 'hub', resolution: null },
      { term: 'gate', resolution: { sense: null } },
    ])
  })
})
