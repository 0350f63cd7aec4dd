import { execFileSync } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ulid } from 'ulid'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeDecisionRecord } from '#dist/contracts/ledgers/decision-record.js'
import type { Ledger } from '#dist/workers/git/ledgers/ledger.js'
import { readDecisionLog } from '#dist/workers/git/logs/decision-log.js'
import { GIT_ENVIRONMENT } from '../../support/git-repository.ts'
import {
  answeredRecord,
  LedgerRepository,
  requestedRecord,
} from '../../support/ledger-repository.ts'

let repository: LedgerRepository
let ledger: Ledger
let mission: string
let elsewhere: string

beforeEach(() => {
  repository = new LedgerRepository()
  mission = repository.createMission('first')
  ledger = repository.ledger()
  elsewhere = realpathSync(mkdtempSync(join(tmpdir(), 'kittiwake-clone-')))
})

afterEach(() => {
  repository.remove()
  rmSync(elsewhere, { recursive: true, force: true })
})

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, env: GIT_ENVIRONMENT, encoding: 'utf8', stdio: 'pipe' }).trim()
const clone = (...args: string[]): string => {
  git(elsewhere, 'clone', '-q', ...args, `file://${repository.root}`, 'clone')
  return join(elsewhere, 'clone')
}
const decideTimes = async (count: number): Promise<string[]> => {
  const commits: string[] = []
  for (let index = 0; index < count; index += 1) {
    commits.push(await repository.decide(ledger, mission))
  }
  return commits
}
const native = (...args: string[]): string => git(repository.placement(mission).worktree, ...args)
const decideOnce = async () => {
  const request = repository.requested(mission)
  const answer = repository.answered(mission, request.payload.decision_id)
  await ledger.request(mission, request)
  await ledger.answer(mission, answer)
  const made = await ledger.commit(mission, 'decisions')
  return { request, answer, commit: 'commit' in made ? made.commit : 'none' }
}
const commitsOf = async (options: Parameters<typeof readDecisionLog>[0]): Promise<unknown[]> =>
  (await readDecisionLog(options)).decisions.map((decision) => decision.commit)

/** Writes the log as given and commits it natively on the mission's branch. */
const commitLog = async (text: string | Buffer): Promise<void> => {
  await ledger.request(mission, repository.requested(mission))
  writeFileSync(repository.logPath(mission), text)
  const { worktree } = repository.placement(mission)
  git(worktree, 'add', '.')
  git(worktree, 'commit', '-qm', 'By hand')
}

describe('the decision log', () => {
  it('shows requests and answers with the commit that first held each answer', async () => {
    const commits = await decideTimes(3)
    const orphan = repository.requested(mission)
    await ledger.request(mission, orphan)
    await decideTimes(1)
    const { ref, decisions, skipped } = await readDecisionLog({
      commonDir: repository.commonDir,
      mission,
    })
    expect(ref).toBe(repository.placement(mission).ref)
    expect(skipped).toEqual([])
    expect(decisions).toHaveLength(5)
    expect(decisions.slice(0, 3).map((decision) => decision.commit)).toEqual(commits)
    expect(decisions[0]).toMatchObject({
      question: 'Which one?',
      options: ['The first', 'The second'],
      answer: 'The first',
      requested_at: '2026-06-01T07:00:00.000000+00:00',
      answered_at: '2026-06-01T07:05:00.000000+00:00',
    })
    expect(decisions[3]).toMatchObject({
      decision_id: orphan.payload.decision_id,
      answer: null,
      answered_at: null,
      commit: null,
    })
  })

  it('is whole in a native clone elsewhere, from remote-tracking refs alone', async () => {
    const commits = await decideTimes(6)
    const cloned = clone()
    const options = { commonDir: join(cloned, '.git'), mission }
    expect(await commitsOf(options)).toEqual(commits)
    expect((await readDecisionLog(options)).ref).toBe(
      `refs/remotes/origin/${repository.branch(mission)}`,
    )
    expect(git(cloned, 'status', '--porcelain', '--ignored')).toBe('')
  })

  it.each([
    ['in a bare clone', ['--bare']],
    ['in a mirror', ['--mirror']],
  ])('is whole %s', async (_, args) => {
    const commits = await decideTimes(3)
    expect(await commitsOf({ commonDir: clone(...args), mission })).toEqual(commits)
  })

  it('is whole with packed refs and packed objects', async () => {
    const commits = await decideTimes(3)
    repository.git.git('gc', '-q', '--prune=now')
    expect(await commitsOf({ commonDir: repository.commonDir, mission })).toEqual(commits)
  })

  it('is whole in a clone that borrows its objects', async () => {
    const commits = await decideTimes(3)
    git(elsewhere, 'clone', '-q', '--shared', repository.root, 'borrower')
    const commonDir = join(elsewhere, 'borrower/.git')
    expect(await commitsOf({ commonDir, mission })).toEqual(commits)
  })

  it.each(['blob:none', 'tree:0'])(
    'says what to do in a partial clone that lacks its objects (%s), and then reads them',
    async (filter) => {
      const commits = await decideTimes(2)
      repository.git.git('config', 'uploadpack.allowFilter', 'true')
      const cloned = clone(`--filter=${filter}`, '--no-checkout')
      const options = { commonDir: join(cloned, '.git'), mission }
      await expect(readDecisionLog(options)).rejects.toMatchObject({
        code: 'REPOSITORY_UNSUPPORTED',
        message: expect.stringContaining('git fetch --refetch --no-filter'),
      })
      // Its upkeep would go on while the clone is removed.
      git(cloned, '-c', 'maintenance.auto=false', 'fetch', '-q', '--refetch', '--no-filter')
      expect(await commitsOf(options)).toEqual(commits)
    },
  )

  it('names no commit that a shallow clone can not prove', async () => {
    const commits = await decideTimes(3)
    const cloned = clone('--depth', '2', '--no-single-branch')
    const options = { commonDir: join(cloned, '.git'), mission }
    expect(await commitsOf(options)).toEqual([null, null, commits[2]])
    expect((await readDecisionLog(options)).decisions.every(({ answer }) => answer)).toBe(true)
  })

  it('is found by slug, by id and by the id’s first eight characters, but only if it is one', async () => {
    await decideTimes(1)
    const { mission_id } = repository.placement(mission).mission
    const { commonDir } = repository
    for (const reference of ['first', mission_id, mission_id.slice(0, 8), mission.toLowerCase()]) {
      const isExact = reference !== mission.toLowerCase()
      const reading = readDecisionLog({ commonDir, mission: reference })
      if (isExact) expect((await reading).decisions).toHaveLength(1)
      else await expect(reading).rejects.toMatchObject({ code: 'MISSION_NOT_FOUND' })
    }
    git(repository.root, 'branch', 'kitty/mission-first-01ABCDEF')
    await expect(readDecisionLog({ commonDir, mission: 'first' })).rejects.toMatchObject({
      code: 'MISSION_AMBIGUOUS',
    })
  })

  it('is read at HEAD where the mission has no branch, and at a named ref', async () => {
    await decideTimes(2)
    const { worktree } = repository.placement(mission)
    git(repository.root, 'merge', '-q', '--no-edit', '--no-ff', repository.branch(mission))
    git(repository.root, 'worktree', 'remove', '--force', worktree)
    git(repository.root, 'tag', '-a', 'v1', '-m', 'Tagged', repository.branch(mission))
    git(repository.root, 'branch', '-q', '-D', repository.branch(mission))
    const { commonDir } = repository
    const head = git(repository.root, 'rev-parse', 'HEAD')
    expect(await readDecisionLog({ commonDir, mission })).toMatchObject({ ref: 'refs/heads/main' })
    expect(await commitsOf({ commonDir, mission })).toEqual([head, head])
    expect(await readDecisionLog({ commonDir, mission, ref: 'v1' })).toMatchObject({
      ref: 'refs/tags/v1',
    })
    expect(await commitsOf({ commonDir, mission, ref: head })).toEqual([head, head])
  })

  it.each([
    ['MISSION_NOT_FOUND', { mission: 'unknown' }],
    ['MISSION_NOT_FOUND', { mission: '../first' }],
    ['MISSION_NOT_FOUND', { mission: '' }],
    ['REF_NOT_FOUND', { ref: 'nowhere' }],
    ['REF_NOT_FOUND', { ref: '../HEAD' }],
    ['MISSION_NOT_FOUND', { ref: 'main' }],
  ])('answers %s for %o', async (code, options) => {
    const reading = readDecisionLog({ commonDir: repository.commonDir, mission, ...options })
    await expect(reading).rejects.toMatchObject({ name: 'GitError', code })
  })

  it('refuses a repository whose references are a table clearly', async () => {
    git(elsewhere, 'init', '-q', 'other')
    git(join(elsewhere, 'other'), 'config', 'extensions.refStorage', 'reftable')
    const commonDir = join(elsewhere, 'other/.git')
    await expect(readDecisionLog({ commonDir, mission })).rejects.toMatchObject({
      code: 'REPOSITORY_UNSUPPORTED',
    })
  })

  it('keeps the commit of an answer when later merges rewrite the log around it', async () => {
    const [first] = await decideTimes(1)
    const text = git(
      repository.placement(mission).worktree,
      'show',
      `HEAD:kitty-specs/${mission}/decisions.events.jsonl`,
    )
    const mission_id = repository.placement(mission).mission.mission_id
    const other = encodeDecisionRecord(requestedRecord(mission_id, ulid()))
    await commitLog(`${other}\n${text}\n`)
    const decisions = (await readDecisionLog({ commonDir: repository.commonDir, mission }))
      .decisions
    expect(decisions.map(({ commit }) => commit)).toEqual([null, first])
  })
})

describe('a log that others wrote', () => {
  it('is served line by line; what can not be read is reported with its line', async () => {
    const one = ulid()
    const request = encodeDecisionRecord(requestedRecord(ulid(), one))
    const answer = encodeDecisionRecord(answeredRecord(ulid(), one))
    const { build_id: _, ...withoutBuild } = requestedRecord(ulid(), ulid(), 'a\u2028b\u0085c')
    const spaced = JSON.stringify(withoutBuild, null, 1).replaceAll(/\n\s*/g, ' ')
    await commitLog(
      Buffer.concat([
        Buffer.from(`\ufeff${request}\r\n`),
        Buffer.from('<<<<<<< ours\n'),
        Buffer.from(`${answer}\n=======\n${answer}\n>>>>>>> theirs\n`),
        Buffer.from(`${spaced}\n\n`),
        Buffer.from([0xff, 0xfe, 0x0a]),
        Buffer.from('{"event_type":"SomethingElse"}\n'),
        Buffer.from('{"event_type":"DecisionInputAnswered","payload":{}}\n'),
        Buffer.from(`${'x'.repeat(1024 * 1024 + 1)}\n`),
        Buffer.from(`${encodeDecisionRecord(answeredRecord(ulid(), ulid()))}\n`),
        Buffer.from('{"at":"20'),
      ]),
    )
    const log = await readDecisionLog({ commonDir: repository.commonDir, mission })
    expect(log.decisions.map(({ question, answer: text }) => [question, text])).toEqual([
      ['Which one?', 'The first'],
      ['a\u2028b\u0085c', null],
    ])
    expect(log.skipped).toEqual([
      { line: 2, reason: 'a conflict marker of a merge' },
      { line: 4, reason: 'a conflict marker of a merge' },
      { line: 6, reason: 'a conflict marker of a merge' },
      { line: 9, reason: 'not UTF-8' },
      { line: 10, reason: 'not a decision event' },
      { line: 11, reason: 'not a complete decision record' },
      { line: 12, reason: 'longer than 1048576 bytes' },
      { line: 13, reason: 'an answer without its request' },
      { line: 14, reason: 'torn: the line has no end' },
    ])
  })

  it('matches recurring ids by run, asks again after an answer, and keeps the first answer', async () => {
    const inRun = (record: { payload: object }, run_id: string): string =>
      JSON.stringify({ ...record, payload: { ...record.payload, run_id } })
    const ask = (run: string): string => inRun(requestedRecord(ulid(), 'input:color', run), run)
    const answer = (run: string, text: string): string =>
      inRun(answeredRecord(ulid(), 'input:color', text), run)
    await commitLog(
      `${[
        answer('early', 'above its request'),
        ask('one'),
        ask('two'),
        answer('two', 'blue'),
        answer('one', 'red'),
        answer('one', 'red'),
        answer('one', 'green'),
        ask('one'),
        ask('early'),
      ].join('\n')}\n`,
    )
    const log = await readDecisionLog({ commonDir: repository.commonDir, mission })
    expect(log.decisions.map(({ question, answer: text }) => [question, text])).toEqual([
      ['one', 'red'],
      ['two', 'blue'],
      ['one', null],
      ['early', 'above its request'],
    ])
    expect(log.skipped).toEqual([{ line: 7, reason: 'another answer than the one on line 5' }])
  })

  it('is answered by id alone where one run asked, else only by run and id', async () => {
    await ledger.request(mission, repository.requested(mission))
    const mission_id = repository.placement(mission).mission.mission_id
    const ask = (run_id: string, id: string): string => {
      const record = requestedRecord(mission_id, id)
      return `${JSON.stringify({ ...record, payload: { ...record.payload, run_id } })}\n`
    }
    writeFileSync(
      repository.logPath(mission),
      ask('a', 'input:one') + ask('a', 'input:two') + ask('b', 'input:two'),
    )
    const one = repository.answered(mission, 'input:one')
    expect(await ledger.answer(mission, one)).toMatchObject({ duplicate: false })
    const two = repository.answered(mission, 'input:two')
    await expect(ledger.answer(mission, two)).rejects.toMatchObject({ code: 'DECISION_UNKNOWN' })
    const exact = { ...two, payload: { ...two.payload, run_id: 'b' } }
    expect(await ledger.answer(mission, exact)).toMatchObject({ duplicate: false })
  })
})

describe('what a ledger keeps of commits', () => {
  it('is read again where a shallow clone was completed meanwhile', async () => {
    const { answer, commit } = await decideOnce()
    const [border] = await decideTimes(1)
    const shallow = join(repository.commonDir, 'shallow')
    writeFileSync(shallow, `${border}\n`)
    const kept = repository.ledger()
    expect(await kept.locate(mission, answer.event_id)).toBe(null)
    rmSync(shallow)
    expect(await kept.locate(mission, answer.event_id)).toBe(commit)
  })
  it('says where an answer came to the branch that it has just committed, without its log', async () => {
    await decideTimes(2)
    const { answer, commit } = await decideOnce()
    const log = `HEAD:kitty-specs/${mission}/decisions.events.jsonl`
    const oid = native('rev-parse', log)
    rmSync(join(repository.commonDir, 'objects', oid.slice(0, 2), oid.slice(2)))
    expect(await ledger.locate(mission, answer.event_id)).toBe(commit)
    await expect(repository.ledger().locate(mission, answer.event_id)).rejects.toThrow()
  })

  it('says the same of an answer as who keeps nothing, whatever the branch came to', async () => {
    await decideTimes(1)
    const { request, answer, commit } = await decideOnce()
    const located = async (eventId: string): Promise<string | null> => {
      const [kept, fresh] = [ledger, repository.ledger()]
      const found = await fresh.locate(mission, eventId)
      expect(await kept.locate(mission, eventId)).toBe(found)
      return found
    }
    expect(await located(answer.event_id)).toBe(commit)
    expect(await located(request.event_id)).toBe(null)
    native('commit', '-q', '--allow-empty', '-m', 'Users')
    expect(await located(answer.event_id)).toBe(commit)
    native('reset', '-q', '--hard', 'HEAD~1')
    native('commit', '-q', '--amend', '-m', 'Users')
    expect(await located(answer.event_id)).toBe(native('rev-parse', 'HEAD'))
    native('reset', '-q', '--hard', 'HEAD~1')
    expect(await located(answer.event_id)).toBe(null)
  })

  it('says of an answer that another program committed first which commit that was', async () => {
    await decideTimes(1)
    const request = repository.requested(mission)
    const answer = repository.answered(mission, request.payload.decision_id)
    await ledger.request(mission, request)
    await ledger.answer(mission, answer)
    native('commit', '-qam', 'Users')
    const theirs = native('rev-parse', 'HEAD')
    await ledger.request(mission, repository.requested(mission))
    expect(await ledger.commit(mission, 'decisions')).not.toMatchObject({ commit: theirs })
    expect(await ledger.locate(mission, answer.event_id)).toBe(theirs)
  })
})
