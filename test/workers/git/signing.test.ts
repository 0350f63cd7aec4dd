/** `commit.gpgsign` is respected: by whom, by what, and what becomes of a commit that can't be signed. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { commit } from '#dist/index.js'
import { committedOid, commitLedger } from '../../support/commit-ledger.ts'
import { BRANCH, GitRepository, LEDGER } from '../../support/git-repository.ts'
import { GitWrapper } from '../../support/git-wrapper.ts'
import { LedgerRepository } from '../../support/ledger-repository.ts'
import { until } from '../../support/program.ts'
import { SIGNS, UserSigner } from '../../support/user-signer.ts'

let repository: GitRepository
let signer: UserSigner

beforeEach(() => {
  repository = GitRepository.withCommit()
  repository.write(LEDGER, '{"n":1}\n')
  signer = new UserSigner()
})
afterEach(() => {
  repository.remove()
  signer.remove()
})

const isSigned = (oid: string): boolean =>
  /^gpgsig/m.test(repository.git('cat-file', 'commit', oid))
/** What has ended and nobody has asked after yet runs no more. */
const isRunning = (pid: string): boolean =>
  /^[^Z\s]/m.test(spawnSync('ps', ['-o', 'stat=', '-p', pid], { encoding: 'utf8' }).stdout)
const ours = (): Promise<string> => committedOid(commitLedger(repository.placement()))

describe('a signature', () => {
  it.each(['sha1', 'sha256'])('by a real key is one that git verifies (%s)', async (hash) => {
    repository.remove()
    repository = GitRepository.withCommit([`--object-format=${hash}`])
    repository.write(LEDGER, '{"n":1}\n')
    const key = join(signer.folder, 'key')
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'somebody', '-f', key])
    const signs = `[commit]\ngpgSign = true\n[gpg]\nformat = ssh\n[user]\nsigningKey = ${key}.pub\n`
    signer.configure(signs)
    const allowed = join(signer.folder, 'allowed')
    writeFileSync(allowed, `somebody ${readFileSync(`${key}.pub`, 'utf8')}`)
    const oid = await ours()
    repository.git('config', 'gpg.ssh.allowedSignersFile', allowed)
    expect(repository.tryGit('verify-commit', oid)).toMatchObject({
      code: 0,
      output: expect.stringContaining('Good "git" signature for somebody'),
    })
    expect(repository.git('log', '-1', '--format=%an %cn %s')).toBe(
      'Kittiwake Kittiwake Record a decision\n',
    )
    expect(repository.fsck()).toBe('')
  })

  it('is made wherever commit.gpgsign stands, and not where a nearer one says no', async () => {
    const said = readFileSync(join(signer.folder, 'gitconfig'), 'utf8')
    const rest = said.replace('gpgSign\n', '')
    const included = join(signer.folder, 'included')
    writeFileSync(included, said)
    for (const [user, own, expected] of [
      [said, null, true],
      [`[include]\npath = ${included}\n`, null, true],
      [`[includeIf "gitdir:${repository.root}/"]\npath = included\n`, null, true],
      [`[includeIf "gitdir:/elsewhere/"]\npath = included\n`, null, false],
      [rest, 'true', true],
      [rest, null, false],
      [said, 'false', false],
    ] as const) {
      signer.configure(user)
      if (own === null) repository.tryGit('config', '--unset', 'commit.gpgSign')
      else repository.git('config', 'commit.gpgSign', own)
      repository.write(LEDGER, `${Math.random()}\n`)
      expect({ user, own, signed: isSigned(await ours()) }).toEqual({ user, own, signed: expected })
    }
  })

  it('is asked for the key that git would take: the configured one, else the user by name', async () => {
    const program = signer.program('asked', `printf '%s|' "$@" >> ${signer.folder}/args\n${SIGNS}`)
    const signs = `[commit]\ngpgSign = on\n[gpg]\nprogram = ${program}\n[user]\nname = A. User\n`
    signer.configure(`${signs}email = a@example.test\n`)
    await ours()
    repository.git('config', 'user.signingKey', '-of this repository')
    repository.write(LEDGER, '{"n":2}\n')
    await ours()
    expect(readFileSync(join(signer.folder, 'args'), 'utf8')).toBe(
      '--status-fd=2|-bsau|A. User <a@example.test>|--status-fd=2|-bsau|-of this repository|',
    )
  })

  it('is waited for while git is not locked out, however often the branch moves', async () => {
    const locked = join(signer.folder, 'locked')
    const lock = join(repository.root, '.git/index.lock')
    const program = signer.program('looks', `test -e '${lock}' && touch '${locked}'\n${SIGNS}`)
    signer.configure(`[commit]\ngpgSign\n[gpg]\nprogram = ${program}\n[user]\nsigningKey = K\n`)
    let moves = 0
    const beforeRefMoves = async (): Promise<void> => {
      moves += 1
      if (moves < 7) repository.git('commit', '-q', '--allow-empty', '-m', `Quicker ${moves}`)
    }
    const oid = await committedOid(commitLedger(repository.placement(), {}, { beforeRefMoves }))
    expect(moves).toBe(7)
    expect(isSigned(oid)).toBe(true)
    expect(existsSync(locked)).toBe(false)
  })
})

describe('a commit that can not be signed', () => {
  async function isDeferred(asked: Parameters<typeof commitLedger>[1] = {}): Promise<string> {
    const tip = repository.tip()
    const outcome = await commitLedger(repository.placement(), asked)
    expect(outcome).toEqual({
      type: 'deferred',
      reason: 'signing_failed',
      message: expect.stringMatching(/^[A-Z].*\.$/),
    })
    expect(repository.tip()).toBe(tip)
    return outcome.type === 'deferred' ? outcome.message : ''
  }

  it.each([
    ['fails', 'exit 2'],
    ['is killed', 'kill -9 $$'],
    ['signs nothing', 'cat > /dev/null'],
    ['ends at once', `exec true`],
  ])('because its program %s is deferred, and made when it signs again', async (_, script) => {
    const said = readFileSync(join(signer.folder, 'gitconfig'), 'utf8')
    signer.program('signer', script)
    await isDeferred()
    expect(signer.hasRun('signer')).toBe(true)
    signer.program('signer', SIGNS)
    signer.configure(said)
    expect(isSigned(await ours())).toBe(true)
    expect(repository.git('status', '--porcelain')).toBe('')
    expect(repository.fsck()).toBe('')
  })

  it('because git made it without a signature is deferred', async () => {
    const drop = 'case "$arg" in -S*) ;; *) set -- "$@" "$arg";; esac'
    const wrapper = new GitWrapper(`for arg; do shift; ${drop}; done`)
    await isDeferred().finally(() => wrapper.remove())
  })

  it.each([
    ['its program is missing', '[gpg]\nprogram = /nowhere/gpg\n[user]\nsigningKey = K\n'],
    ['no key is named', '[gpg]\nprogram = true\n'],
    ['no key is named for ssh', '[gpg]\nformat = ssh\n[user]\nname = A\nemail = a@b.test\n'],
    ['its format is not known', '[gpg]\nformat = wax\n[user]\nsigningKey = K\n'],
    ['its format is no word', '[gpg]\nformat = constructor\n[user]\nsigningKey = K\n'],
    ['nobody can tell whether', 'gpgSign = perhaps\n[user]\nsigningKey = K\n'],
    ['the configuration is damaged', '[gpg\n'],
  ])('because %s is deferred', async (_, config) => {
    signer.configure(`[commit]\ngpgSign = true\n${config}`)
    await isDeferred()
  })

  it.each([
    ['gpg.program', ''],
    ['gpg.openpgp.program', 'openpgp'],
    ['gpg.x509.program', 'x509'],
    ['gpg.ssh.program', 'ssh'],
    ['gpg.ssh.defaultKeyCommand', 'ssh'],
  ])('because the repository names %s is deferred, and nothing of it runs', async (key, format) => {
    const planted = signer.program('planted', SIGNS)
    const named = key.endsWith('Command') ? '' : '[user]\nsigningKey = K\n'
    signer.configure(`[commit]\ngpgSign = true\n${named}`)
    repository.git('config', key, planted)
    if (format !== '') repository.git('config', 'gpg.format', format)
    expect(await isDeferred()).toContain("repository's configuration")
    repository.git('config', '--unset', key)
    writeFileSync(join(signer.folder, 'included'), `[gpg]\nprogram = ${planted}\n`)
    repository.git('config', 'include.path', join(signer.folder, 'included'))
    repository.git('config', 'gpg.format', 'openpgp')
    expect(await isDeferred()).toContain("repository's configuration")
    expect(signer.hasRun('planted')).toBe(false)
  })

  it('takes no signer from the repository by way of the search path', async () => {
    const before = process.env['PATH']
    const planted = join(repository.root, 'bin')
    repository.write('bin/gpg', `#!/bin/sh\ntouch '${signer.folder}/planted.ran'\n${SIGNS}\n`)
    execFileSync('chmod', ['+x', join(planted, 'gpg')])
    signer.configure('[commit]\ngpgSign = true\n[user]\nsigningKey = nobody@example.test\n')
    process.env['GNUPGHOME'] = signer.folder
    process.env['PATH'] = `${planted}:.:bin:${before}`
    try {
      await isDeferred()
    } finally {
      process.env['PATH'] = before
      delete process.env['GNUPGHOME']
    }
    expect(signer.hasRun('planted')).toBe(false)
  })

  it('because its program waits for somebody is deferred in time, once for all, and the program is ended', async () => {
    const pids = join(signer.folder, 'pids')
    signer.program('signer', `echo $$ >> '${pids}'\ntrap '' TERM HUP PIPE\nsleep 600`)
    const asked = { cache: {}, signingTimeoutMs: 300 }
    expect(await isDeferred(asked)).toContain('did not answer')
    expect(await isDeferred(asked)).toContain('did not answer')
    const started = readFileSync(pids, 'utf8').trim().split('\n')
    expect(started).toHaveLength(1)
    await until('the program is gone', () => !isRunning(started[0] ?? ''))
    for (const name of ['index', 'HEAD', `refs/heads/${BRANCH}`]) {
      expect(existsSync(join(repository.root, '.git', `${name}.lock`))).toBe(false)
    }
    signer.program('signer', SIGNS)
    expect(isSigned(await ours())).toBe(true)
  })

  it('keeps its answer, says why, and is made by the next command that heals', async () => {
    const own = new LedgerRepository()
    try {
      const mission = own.createMission('first')
      const ledger = own.ledger()
      signer.program('signer', 'exit 1')
      const request = own.requested(mission)
      await ledger.request(mission, request)
      await ledger.answer(mission, own.answered(mission, request.payload.decision_id))
      const answer = await ledger.commit(mission, 'decisions')
      expect(answer).toMatchObject({
        type: 'git.deferred',
        deferral: { mission, reason: 'signing_failed' },
      })
      expect((await ledger.heal()).deferred).toMatchObject([{ reason: 'signing_failed' }])
      signer.program('signer', SIGNS)
      const { committed, deferred } = await own.ledger().heal()
      expect(deferred).toEqual([])
      expect(own.git.git('cat-file', 'commit', committed[0] ?? '')).toMatch(/^gpgsig/m)
    } finally {
      own.remove()
    }
  })

  it('is refused to who asks for it by its paths', async () => {
    repository.git('checkout', '-q', '-b', 'topic')
    signer.program('signer', 'exit 1')
    const { root } = repository
    const options = { root, worktree: root, ref: 'topic', message: 'Ours', paths: [LEDGER] }
    await expect(commit(options)).rejects.toMatchObject({ code: 'SAFE_COMMIT_SIGNING_FAILED' })
  })
})
