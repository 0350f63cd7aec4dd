import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Ledger } from '#dist/workers/git/ledgers/ledger.js'
import { peekFrames } from '#dist/workers/git/frames/peek-frames.js'
import { filesOf } from '../../support/files-of.ts'
import { IDENTITY, LedgerRepository } from '../../support/ledger-repository.ts'

let repository: LedgerRepository
let ledger: Ledger
let mission: string

beforeEach(() => {
  repository = new LedgerRepository()
  mission = repository.createMission('first')
  ledger = repository.ledger()
})

afterEach(() => repository.remove())

const path = (): string => join(repository.root, '.kittify/sync-state.json')
const native = (...args: string[]): string =>
  repository.git.gitIn(repository.placement(mission).worktree, ...args).trim()
const hashes = async (): Promise<string[]> => (await ledger.frames()).map((frame) => frame.git_hash)
const decideTimes = async (count: number): Promise<string[]> => {
  const commits: string[] = []
  for (let index = 0; index < count; index += 1) {
    commits.push(await repository.decide(ledger, mission))
  }
  return commits
}

const superseded = (): unknown =>
  (JSON.parse(readFileSync(path(), 'utf8')) as Record<string, unknown>)['superseded_local_commits']

const idOf = (name: string): string => repository.placement(name).mission.mission_id
const pairs = (frames: readonly { git_hash: string; mission_id: string }[]): unknown[] =>
  frames.map(({ git_hash, mission_id }) => [git_hash, mission_id])

/** A commit of the user's own on the mission's branch, dated as told. */
const commitNatively = (file: string): string => {
  const { worktree } = repository.placement(mission)
  repository.git.write(file, `${file}\n`, worktree)
  native('add', file)
  native('commit', '-qm', `Write ${file}`)
  return native('rev-parse', 'HEAD')
}

describe('the pending frames', () => {
  it('are six after six decisions offline, in order', async () => {
    const commits = await decideTimes(6)
    expect(new Set(commits).size).toBe(6)
    expect(await hashes()).toEqual(commits)
  })

  it('have exactly seven keys in their order, with the commit’s own date', async () => {
    const [commit] = await decideTimes(1)
    const [frame] = await ledger.frames()
    expect(frame).toEqual({
      type: 'LocalCommit',
      git_hash: commit,
      mission_id: repository.placement(mission).mission.mission_id,
      build_id: IDENTITY.build_id,
      project_uuid: IDENTITY.uuid,
      changed_files: [`kitty-specs/${mission}/decisions.events.jsonl`],
      committed_at: native('log', '-1', '--format=%cI').replace(/Z$/, '+00:00'),
    })
    expect(Object.keys(frame ?? {})).toEqual([
      'type',
      'git_hash',
      'mission_id',
      'build_id',
      'project_uuid',
      'changed_files',
      'committed_at',
    ])
  })

  it('appear for decisions from before the identity once there is one', async () => {
    const identity: { value: typeof IDENTITY | null } = { value: null }
    ledger = repository.ledger({ identity: async () => identity.value })
    const commits = await decideTimes(2)
    expect(await ledger.frames()).toEqual([])
    identity.value = IDENTITY
    await ledger.heal()
    expect(await hashes()).toEqual(commits)
  })

  it('include the user’s own commits below kitty-specs, and no others', async () => {
    const [first] = await decideTimes(1)
    commitNatively('src/code.ts')
    const spec = commitNatively(`kitty-specs/${mission}/spec.md`)
    const [second] = await decideTimes(1)
    const elsewhere = commitNatively('kitty-specs/shared/words.md')
    commitNatively('kitty-specs.md')
    expect(await hashes()).toEqual([first, spec, second, elsewhere])
  })

  it('name all files below kitty-specs that the commit changed, and no others', async () => {
    await ledger.frames()
    for (const file of ['src/a.ts', 'kitty-specs/README.md', `kitty-specs/${mission}/spec.md`]) {
      repository.git.write(file, 'text\n', repository.placement(mission).worktree)
    }
    native('add', '.')
    native('commit', '-qm', 'All')
    const [frame] = await ledger.frames()
    expect(frame?.changed_files).toEqual(
      ['kitty-specs/README.md', `kitty-specs/${mission}/spec.md`].sort(),
    )
  })

  it('of two missions keep each branch’s order', async () => {
    const second = repository.createMission('second')
    const commits: string[] = []
    for (const name of [mission, second, mission, second]) {
      commits.push(await repository.decide(ledger, name))
    }
    const order = await hashes()
    expect([...order].sort()).toEqual([...commits].sort())
    expect(order.indexOf(commits[0] ?? '')).toBeLessThan(order.indexOf(commits[2] ?? ''))
    expect(order.indexOf(commits[1] ?? '')).toBeLessThan(order.indexOf(commits[3] ?? ''))
  })

  it('go parents first even where the parent’s clock was ahead', async () => {
    const spec = `kitty-specs/${mission}/spec.md`
    await ledger.request(mission, repository.requested(mission))
    repository.git.write(spec, 'one\n', repository.placement(mission).worktree)
    native('add', spec)
    native('-c', 'user.name=x', 'commit', '-qm', 'ahead', '--date=2031-01-01T00:00:00Z')
    const tree = native('rev-parse', 'HEAD^{tree}')
    const parent = native('rev-parse', 'HEAD^')
    const ahead = forgeCommit(tree, parent, '1924992000 +0200')
    native('reset', '-q', '--hard', ahead)
    const [after] = await decideTimes(1)
    expect(await hashes()).toEqual([ahead, after])
    const [frame] = await ledger.frames()
    expect(frame?.committed_at).toBe('2031-01-01T02:00:00+02:00')
  })
})

describe('a mission that has no decision', () => {
  it('has frames for what follows the first look; what is older was announced by its makers', async () => {
    commitNatively(`kitty-specs/${mission}/old.md`)
    expect(await hashes()).toEqual([])
    const spec = commitNatively(`kitty-specs/${mission}/spec.md`)
    expect(await repository.ledger().frames()).toMatchObject([
      { git_hash: spec, mission_id: idOf(mission) },
    ])
  })

  it('is followed before there is an identity', async () => {
    const identity: { value: typeof IDENTITY | null } = { value: null }
    ledger = repository.ledger({ identity: async () => identity.value })
    expect(await hashes()).toEqual([])
    const spec = commitNatively(`kitty-specs/${mission}/spec.md`)
    identity.value = IDENTITY
    expect(await hashes()).toEqual([spec])
  })

  it('is not followed before its branch is there', async () => {
    const { worktree } = repository.placement(mission)
    commitNatively(`kitty-specs/${mission}/old.md`)
    native('checkout', '-q', '--detach')
    native('branch', '-qm', repository.branch(mission), 'fetched-later')
    expect(await hashes()).toEqual([])
    native('branch', '-qm', 'fetched-later', repository.branch(mission))
    repository.git.gitIn(worktree, 'checkout', '-q', repository.branch(mission))
    expect(await hashes()).toEqual([])
    const spec = commitNatively(`kitty-specs/${mission}/spec.md`)
    expect(await hashes()).toEqual([spec])
  })

  it('shows its commit to those who only read, who write nothing', async () => {
    const { root, commonDir } = repository
    await ledger.frames()
    const spec = commitNatively(`kitty-specs/${mission}/spec.md`)
    const before = filesOf(commonDir)
    expect((await peekFrames(root, commonDir, IDENTITY)).pending).toEqual([spec])
    expect((await peekFrames(root, commonDir, null)).pending).toEqual([])
    expect(filesOf(commonDir)).toEqual(before)
    expect(existsSync(path())).toBe(false)
    const first = await repository.decide(ledger, mission)
    const second = commitNatively('kitty-specs/README.md')
    expect((await peekFrames(root, commonDir, IDENTITY)).pending).toEqual([spec, first, second])
    expect(await hashes()).toEqual([spec, first, second])
  })
})

describe('a branch that several missions share', () => {
  const commitOnMainTo = (...files: string[]): string => {
    for (const file of files) repository.git.write(file, `${files.join()}\n`)
    repository.git.git('add', '--', ...files)
    repository.git.git('commit', '-qm', 'On main', '--', ...files)
    return repository.git.git('rev-parse', 'HEAD').trim()
  }

  it('yields one frame for each commit, of the mission whose folder it touches', async () => {
    const later = repository.createShared('b')
    const earlier = repository.createShared('a')
    expect(await hashes()).toEqual([])
    const commits = [
      commitOnMainTo(`kitty-specs/${later}/spec.md`),
      commitOnMainTo(`kitty-specs/${later}/plan.md`, `kitty-specs/${earlier}/plan.md`),
      commitOnMainTo('kitty-specs/README.md'),
      commitOnMainTo(`kitty-specs/${mission}/spec.md`),
    ]
    expect(pairs(await ledger.frames())).toEqual([
      [commits[0], idOf(later)],
      [commits[1], idOf(earlier)],
      [commits[2], idOf(earlier)],
      [commits[3], idOf(earlier)],
    ])
  })

  it('gives a commit to nobody who came after it', async () => {
    const first = repository.createShared('b')
    await ledger.frames()
    const before = commitOnMainTo('kitty-specs/README.md')
    const second = repository.createShared('a')
    const expected = [[before, idOf(first)]]
    expect(pairs(await ledger.frames())).toEqual(expected)
    const after = commitOnMainTo('kitty-specs/words.md')
    expected.push([after, idOf(second)])
    expect(pairs(await ledger.frames())).toEqual(expected)
    rmSync(path())
    expect(pairs(await ledger.frames())).toEqual(expected)
  })

  it('replaces the frame of an amended commit that has changed its mission', async () => {
    const [one, two] = [repository.createShared('a'), repository.createShared('b')]
    await ledger.frames()
    const old = commitOnMainTo(`kitty-specs/${one}/spec.md`)
    expect(pairs(await ledger.frames())).toEqual([[old, idOf(one)]])
    repository.git.git('mv', `kitty-specs/${one}`, `kitty-specs/${two}`)
    repository.git.git('commit', '--amend', '-qm', 'Moved')
    const amended = repository.git.git('rev-parse', 'HEAD').trim()
    expect(pairs(await ledger.frames())).toEqual([[amended, idOf(two)]])
  })
})

/** A commit object with the date that the test wants. */
function forgeCommit(tree: string, parent: string, date: string): string {
  const text = `tree ${tree}\nparent ${parent}\nauthor A <a@b> ${date}\ncommitter A <a@b> ${date}\n\nahead\n`
  repository.git.write('forged', text)
  return repository.git.git('hash-object', '-t', 'commit', '-w', 'forged').trim()
}

describe('a rewritten branch', () => {
  it('replaces the frame of an amended commit by the new one', async () => {
    const [first, old] = await decideTimes(2)
    native('commit', '--amend', '-qm', 'Amended')
    const amended = native('rev-parse', 'HEAD')
    await ledger.heal()
    expect(await hashes()).toEqual([first, amended])
    expect(amended).not.toBe(old)
  })

  it('replaces a whole reworded line, one by one', async () => {
    const old = await decideTimes(3)
    const root = native('rev-parse', `${old[0]}^`)
    native(
      '-c',
      'sequence.editor=true',
      'rebase',
      '-q',
      '--force-rebase',
      '--reset-author-date',
      root,
    )
    const reworded = native('rev-list', '--reverse', `${root}..HEAD`).split('\n')
    expect(reworded).not.toEqual(old)
    const next = await repository.decide(ledger, mission)
    expect(await hashes()).toEqual([...reworded, next])
  })

  it('replaces commits that were moved to another parent, and names what took their place', async () => {
    const old = await decideTimes(2)
    const main = commitOnMain()
    native('rebase', '-q', main)
    const moved = native('rev-list', '--reverse', `${main}..HEAD`).split('\n')
    await ledger.heal()
    expect(await hashes()).toEqual(moved)
    expect(superseded()).toEqual(old.map((git_hash, at) => ({ git_hash, replaced_by: moved[at] })))
  })

  it('keeps the frame of a commit that a merge made a side line: it is reachable still', async () => {
    await decideTimes(1)
    const [side = ''] = await hashes()
    native('reset', '-q', '--hard', `${side}^`)
    const other = commitNatively(`kitty-specs/${mission}/spec.md`)
    native('merge', '-q', '--no-edit', side)
    await ledger.heal()
    expect(await hashes()).toEqual(expect.arrayContaining([side, other]))
  })

  it('sends nothing again that was confirmed and is still on the branch', async () => {
    const [first] = await decideTimes(2)
    await ledger.confirm(await hashes())
    native('commit', '--amend', '-qm', 'Amended')
    await ledger.heal()
    expect(await hashes()).toEqual([native('rev-parse', 'HEAD')])
    expect(await hashes()).not.toContain(first)
  })
})

function commitOnMain(): string {
  repository.git.write('src/main.ts', 'main\n')
  repository.git.git('add', 'src/main.ts')
  repository.git.git('commit', '-qm', 'On main')
  return repository.git.git('rev-parse', 'HEAD').trim()
}

describe('confirm', () => {
  it('removes exactly the frames it is given and remembers the last (L11)', async () => {
    const commits = await decideTimes(4)
    const [one = '', two = '', three = ''] = commits
    expect(await ledger.confirm([three, one])).toBe(2)
    expect(await hashes()).toEqual([two, commits[3]])
    const state = JSON.parse(readFileSync(path(), 'utf8')) as Record<string, unknown>
    expect(state['last_saas_confirmed_hash']).toBe(one)
  })

  it('changes nothing for hashes that are not pending', async () => {
    await decideTimes(2)
    const before = readFileSync(path(), 'utf8')
    expect(await ledger.confirm(['f'.repeat(40), 'nonsense'])).toBe(2)
    expect(readFileSync(path(), 'utf8')).toBe(before)
  })

  it('is final: nothing that was confirmed comes back', async () => {
    await decideTimes(3)
    expect(await ledger.confirm(await hashes())).toBe(0)
    await repository.ledger().heal()
    expect(await hashes()).toEqual([])
    const next = await repository.decide(ledger, mission)
    expect(await hashes()).toEqual([next])
  })
})

describe('the sync state file', () => {
  const seed = (text: string): void => {
    mkdirSync(join(repository.root, '.kittify'), { recursive: true })
    writeFileSync(path(), text)
  }

  it('has two-space indent, ASCII, insertion order and no final line end', async () => {
    commitNatively(`kitty-specs/${mission}/before.md`)
    await ledger.request(mission, repository.requested(mission))
    repository.git.gitIn(repository.placement(mission).worktree, 'config', 'core.quotepath', 'off')
    const commit = commitNatively(`kitty-specs/${mission}/größe.md`)
    await ledger.heal()
    expect(readFileSync(path(), 'utf8')).toBe(
      [
        '{',
        '  "last_saas_confirmed_hash": null,',
        '  "pending_local_commits": [',
        '    {',
        '      "type": "LocalCommit",',
        `      "git_hash": "${commit}",`,
        `      "mission_id": "${repository.placement(mission).mission.mission_id}",`,
        `      "build_id": "${IDENTITY.build_id}",`,
        `      "project_uuid": "${IDENTITY.uuid}",`,
        '      "changed_files": [',
        `        "kitty-specs/${mission}/gr\\u00f6\\u00dfe.md"`,
        '      ],',
        `      "committed_at": "${native('log', '-1', '--format=%cI').replace(/Z$/, '+00:00')}"`,
        '    }',
        '  ]',
        '}',
      ].join('\n'),
    )
  })

  it('keeps unknown keys and the entries of other writers', async () => {
    const foreign = { type: 'LocalCommit', git_hash: 'a'.repeat(40), mission_id: 'a-folder' }
    const known = { last_saas_confirmed_hash: 'b'.repeat(40), pending_local_commits: [foreign] }
    seed(JSON.stringify({ ...known, extra: { kept: true } }))
    const [commit] = await decideTimes(1)
    expect(await hashes()).toEqual([commit])
    const state = JSON.parse(readFileSync(path(), 'utf8')) as { pending_local_commits: unknown[] }
    expect(state).toMatchObject({ last_saas_confirmed_hash: 'b'.repeat(40), extra: { kept: true } })
    expect(state.pending_local_commits[0]).toEqual(foreign)
  })

  it.each([
    ['cut off', '{"last_saas_confirmed_hash": nu'],
    ['of another shape', '{"pending_local_commits": 3}'],
    ['with a forbidden key', '{"__proto__": {}}'],
    ['empty', ''],
  ])('that is %s is set aside and rebuilt from git', async (_, text) => {
    const commits = await decideTimes(2)
    writeFileSync(path(), text)
    await ledger.heal()
    expect(ledger.takeWarnings()).toMatchObject([{ code: 'SYNC_STATE_REBUILT' }])
    expect(ledger.takeWarnings()).toEqual([])
    expect(readFileSync(`${path()}.damaged-1`, 'utf8')).toBe(text)
    expect(await hashes()).toEqual(commits)
  })

  it('that was cleaned away is rebuilt from git', async () => {
    const commits = await decideTimes(2)
    repository.git.git('clean', '-fdxq', '.kittify')
    expect(existsSync(path())).toBe(false)
    expect(await hashes()).toEqual(commits)
  })

  it('is a damaged list of branches away from nothing lost', async () => {
    repository.git.write('kitty-specs/older.md', '')
    repository.git.git('add', 'kitty-specs/older.md')
    repository.git.git('commit', '-qm', 'Of a time before the mission')
    mission = repository.createMission('second')
    const commits = await decideTimes(2)
    writeFileSync(join(repository.commonDir, 'kittiwake/branches.json'), '[]')
    const third = await repository.decide(ledger, mission)
    expect(ledger.takeWarnings()).toMatchObject([{ code: 'BRANCH_BOOK_REBUILT' }])
    expect(await hashes()).toEqual([...commits, third])
    const elsewhere = commitNatively('kitty-specs/README.md')
    expect(await hashes()).toEqual([...commits, third, elsewhere])
    expect(ledger.takeWarnings()).toEqual([])
  })

  it('says once that a branch can not be read, and holds up no other', async () => {
    const second = repository.createMission('second')
    await ledger.frames()
    const ref = join(repository.commonDir, repository.placement(second).ref)
    const tip = readFileSync(ref, 'utf8')
    writeFileSync(ref, `${'f'.repeat(40)}\n`)
    const spec = commitNatively('kitty-specs/spec.md')
    expect(await hashes()).toEqual([spec])
    const warnings = ledger.takeWarnings()
    expect(warnings).toMatchObject([{ code: 'BRANCH_UNREADABLE' }])
    expect(warnings[0]?.message).toContain(repository.branch(second))
    expect(warnings[0]?.message).not.toContain(repository.root)
    await ledger.frames()
    expect(ledger.takeWarnings()).toEqual([])
    writeFileSync(ref, tip)
    await ledger.frames()
    writeFileSync(ref, 'nonsense\n')
    expect(await hashes()).toEqual([spec])
    expect(ledger.takeWarnings()).toHaveLength(1)
  })

  it('is ignored in this clone only, by one line', async () => {
    await decideTimes(2)
    expect(repository.git.git('status', '--porcelain', '.kittify')).toBe('')
    await repository.decide(repository.ledger(), mission)
    const exclude = readFileSync(join(repository.commonDir, 'info/exclude'), 'utf8')
    expect(exclude.match(/sync-state/g)).toHaveLength(1)
    expect(existsSync(join(repository.root, '.gitignore'))).toBe(false)
  })

  it('holds no file name that is not clean; the commit is still announced (L4)', async () => {
    ledger = repository.ledger({
      assertClean: (value) => {
        if (JSON.stringify(value).includes('secret')) throw new Error('not clean')
      },
    })
    await ledger.request(mission, repository.requested(mission))
    const { worktree } = repository.placement(mission)
    repository.git.write(`kitty-specs/${mission}/secret.md`, '', worktree)
    const commit = commitNatively(`kitty-specs/${mission}/open.md`)
    native('add', '.')
    native('commit', '--amend', '-qm', 'Both')
    await ledger.heal()
    const [frame] = await ledger.frames()
    expect(frame?.git_hash).not.toBe(commit)
    expect(frame?.changed_files).toContain(`kitty-specs/${mission}/open.md`)
    expect(readFileSync(path(), 'utf8')).not.toContain('secret')
  })
})

describe('a hub that confirms', () => {
  const hub = (team: string, epoch: string | null) => ({
    origin: 'https://hub.example',
    team,
    epoch,
  })

  it('is told again of what it confirmed in another epoch, and no more than once (L11)', async () => {
    const commits = await decideTimes(3)
    ledger.confirmBy(hub('a', 'first'))
    await ledger.confirm(commits.slice(0, 2))
    expect(await hashes()).toEqual(commits.slice(2))
    ledger.confirmBy(hub('a', 'second'))
    expect(await hashes()).toEqual(commits)
    await ledger.confirm(commits)
    ledger = repository.ledger()
    ledger.confirmBy(hub('a', 'second'))
    expect(await hashes()).toEqual([])
  })

  it('keeps what it confirmed while another one was told', async () => {
    const commits = await decideTimes(2)
    ledger.confirmBy(hub('a', null))
    await ledger.confirm(commits.slice(0, 1))
    ledger.confirmBy(hub('b', null))
    expect(await hashes()).toEqual(commits)
    await ledger.confirm(commits.slice(1))
    ledger.confirmBy(hub('a', null))
    expect(await hashes()).toEqual(commits.slice(1))
    await ledger.confirm(commits)
    expect(await hashes()).toEqual([])
    const file = join(repository.root, '.git/kittiwake/acknowledged')
    expect(readFileSync(file, 'utf8')).not.toMatch(/hub/)
  })
})
