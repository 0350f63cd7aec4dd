/** Objects by git's own plumbing: few processes, none of which runs what a repository names, and whole after any of them died. */
import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CommitGraph } from '#dist/workers/git/objects/commit-graph.js'
import { openReader } from '#dist/workers/git/objects/objects.js'
import { strayFiles } from '../../support/commit-crash.ts'
import { committedOid, commitLedger } from '../../support/commit-ledger.ts'
import { BRANCH, GitRepository, LEDGER } from '../../support/git-repository.ts'
import { GitWrapper } from '../../support/git-wrapper.ts'
import { UserSigner } from '../../support/user-signer.ts'

let repository: GitRepository
let wrapper: GitWrapper | null = null
let signer: UserSigner | null = null

beforeEach(() => {
  repository = GitRepository.withCommit(['--object-format=sha256'])
  repository.write(LEDGER, '{"n":1}\n')
})
afterEach(() => {
  repository.remove()
  wrapper?.remove()
  signer?.remove()
  wrapper = signer = null
})

const oidOf = (revision: string): string => repository.git('rev-parse', revision).trim()
const objectFile = (oid: string): string => join('.git/objects', oid.slice(0, 2), oid.slice(2))

describe('a reader', () => {
  it('asks one process for all that it reads, in any order', async () => {
    wrapper = new GitWrapper()
    const { commonDir } = repository.placement()
    const graph = new CommitGraph(commonDir)
    const { tree } = await graph.commit(oidOf('HEAD'))
    const files = await graph.tree((await graph.entryAt(tree, 'src'))?.oid ?? '')
    const blobs = await Promise.all(files.map(({ oid }) => graph.blob(oid)))
    expect(blobs.map(String)).toEqual(files.map((_, n) => `line ${n}\n`))
    expect(wrapper.runs('cat-file')).toHaveLength(1)
  })

  it('reads what is large, and what a pack or another repository holds', async () => {
    const large = Buffer.alloc(3_000_000, 'large and repetitive ')
    repository.write('large', large)
    repository.git('add', 'large')
    repository.git('commit', '-qm', 'Large')
    repository.git('gc', '-q')
    const borrower = new GitRepository(['--object-format=sha256'])
    borrower.write('.git/objects/info/alternates', `${repository.root}/.git/objects\n`)
    const reader = openReader(borrower.placement().commonDir, {})
    const { type, bytes } = await reader.read(oidOf('HEAD:large'))
    expect({ type, isSame: bytes.equals(large) }).toEqual({ type: 'blob', isSame: true })
    borrower.remove()
  })

  it('goes on with another process where somebody has ended the one that answers', async () => {
    wrapper = new GitWrapper()
    const reader = openReader(repository.placement().commonDir, {})
    await reader.read(oidOf('HEAD'))
    process.kill(wrapper.runs('cat-file')[0] ?? 0, 'SIGKILL')
    expect(await reader.read(oidOf('HEAD:src'))).toMatchObject({ type: 'tree' })
    expect(wrapper.runs('cat-file')).toHaveLength(2)
  })

  it('tells what is missing from what is damaged, and takes nothing but a whole id', async () => {
    const blob = oidOf('HEAD:src/file-0.txt')
    const reader = openReader(repository.placement().commonDir, {})
    const read = async (oid: string): Promise<unknown> => {
      const failure = await reader.read(oid).catch((error: unknown) => error)
      return failure instanceof Error && 'reason' in failure ? failure.reason : failure
    }
    for (const oid of ['f'.repeat(64), blob.slice(0, 40), '', 'HEAD', `${blob}\n${blob}`, '--all'])
      expect(await read(oid)).toBe('repository_unsupported')
    const other = oidOf('HEAD:src/file-1.txt')
    const bytes = readFileSync(join(repository.root, objectFile(other)))
    for (const damage of ['', 'garbage', bytes, bytes.subarray(0, -3)]) {
      chmodSync(join(repository.root, objectFile(blob)), 0o644)
      repository.write(objectFile(blob), damage)
      expect(await read(blob)).toBe('io_error')
    }
    expect(await reader.read(other)).toMatchObject({ type: 'blob' })
  })

  it('says what is needed where there is no git', async () => {
    const before = process.env['PATH']
    process.env['PATH'] = ''
    try {
      expect(await commitLedger(repository.placement())).toMatchObject({
        type: 'deferred',
        reason: 'repository_unsupported',
        message: expect.stringContaining('Install git.'),
      })
    } finally {
      process.env['PATH'] = before
    }
    await committedOid(commitLedger(repository.placement()))
  })
})

it('a repository that needs no plumbing needs no git to commit', async () => {
  const plain = GitRepository.withCommit(['--object-format=sha1'])
  plain.write(LEDGER, '{"n":1}\n')
  const placement = plain.placement()
  const { PATH, GIT_CONFIG_NOSYSTEM } = process.env
  process.env['PATH'] = ''
  delete process.env['GIT_CONFIG_NOSYSTEM']
  try {
    await committedOid(commitLedger(placement))
  } finally {
    Object.assign(process.env, { PATH, GIT_CONFIG_NOSYSTEM })
    plain.remove()
  }
})

describe('a writer', () => {
  it('needs a process for each type, however many objects there are', async () => {
    const paths = Array.from({ length: 30 }, (_, n) => `kitty-specs/${n % 3}/file-${n}`)
    for (const path of paths) repository.write(path, path)
    wrapper = new GitWrapper()
    await committedOid(commitLedger(repository.placement(), { paths }))
    expect(wrapper.runs('hash-object')).toHaveLength(2)
    expect(wrapper.runs('commit-tree')).toHaveLength(1)
    expect(repository.git('status', '--porcelain', '--', ...paths)).toBe('')
    expect(repository.fsck()).toBe('')
  })

  it('replaces an object of the same name that is empty', async () => {
    const oid = repository.git('hash-object', LEDGER).trim()
    repository.write(objectFile(oid), '')
    await committedOid(commitLedger(repository.placement()))
    expect(statSync(join(repository.root, objectFile(oid))).size).toBeGreaterThan(0)
    expect(repository.fsck()).toBe('')
  })

  it('makes each object durable before the first lock (L1)', async () => {
    const steps: { step: string; path: string }[] = []
    const onStep = (step: string, path: string): number => steps.push({ step, path })
    const oid = await committedOid(commitLedger(repository.placement(), {}, { onStep }))
    const synced = steps
      .slice(
        0,
        steps.findIndex(({ step }) => step === 'link'),
      )
      .flatMap(({ step, path }) => (step === 'fsync' ? [path] : []))
    const trees = ['', 'kitty-specs', LEDGER.split('/').slice(0, 2).join('/')]
    for (const made of [oid, ...[...trees, LEDGER].map((path) => oidOf(`${oid}:${path}`))]) {
      const path = join(repository.root, objectFile(made))
      expect(synced).toContain(path)
      expect(synced.lastIndexOf(join(path, '..'))).toBeGreaterThan(synced.indexOf(path))
    }
    expect(synced).toContain(join(repository.root, '.git/objects'))
  })

  it.each(['hash-object -w -t blob', 'hash-object -w -t tree', 'commit-tree'])(
    'that dies at %s leaves nothing corrupt, and the next commit is made',
    async (command) => {
      for (const [when, reason] of [
        ['kill -9 $$', 'io_error'],
        ['exit 128', 'io_error'],
        ['echo 12; exit 0', 'io_error'],
        ["echo 'fatal: insufficient permission' >&2; exit 128", 'repository_read_only'],
      ] as const) {
        wrapper = new GitWrapper(`case "$*" in *' ${command} '*) ${when};; esac`)
        const tip = repository.tip()
        const outcome = await commitLedger(repository.placement())
        expect(outcome).toMatchObject({ type: 'deferred', reason })
        expect([repository.tip(), strayFiles(repository)]).toEqual([tip, []])
        wrapper.remove()
      }
      expect(repository.fsck()).toBe('')
      await committedOid(commitLedger(repository.placement()))
      expect(repository.git('status', '--porcelain')).toBe('')
    },
  )
})

describe('what a repository names', () => {
  /** All that git would run for one command or another, if it were asked as usual. */
  function plant(program: string): void {
    const config: Readonly<Record<string, string>> = {
      'core.fsmonitor': program,
      'core.pager': program,
      'pager.cat-file': program,
      'pager.commit-tree': program,
      'core.editor': program,
      'core.sshCommand': program,
      'core.gitProxy': program,
      'core.askPass': program,
      'core.alternateRefsCommand': program,
      'core.hooksPath': join(repository.root, 'hooks'),
      'diff.external': program,
      'diff.planted.textconv': program,
      'filter.planted.clean': program,
      'filter.planted.process': program,
      'filter.planted.required': 'true',
      'credential.helper': program,
      'gpg.program': program,
      'alias.cat-file': `!${program}`,
      'alias.hash-object': `!${program}`,
      'remote.origin.url': join(repository.root, '.git'),
      'remote.origin.uploadpack': program,
      'remote.origin.promisor': 'true',
      'extensions.partialClone': 'origin',
      'protocol.file.allow': 'always',
      'core.worktree': '/',
    }
    for (const name of ['reference-transaction', 'post-index-change', 'pre-auto-gc']) {
      repository.write(`hooks/${name}`, `#!/bin/sh\nexec '${program}'\n`)
      execFileSync('chmod', ['+x', join(repository.root, 'hooks', name)])
    }
    repository.write('.gitattributes', '* filter=planted diff=planted\n')
    const lines = Object.entries(config).map(([key, value]) => {
      const [, section = '', rest = '', name = ''] = /^([^.]+)(?:\.(.+))?\.([^.]+)$/.exec(key) ?? []
      return `[${section}${rest === '' ? '' : ` "${rest}"`}]\n\t${name} = "${value}"\n`
    })
    const path = join(repository.root, '.git/config')
    writeFileSync(path, `${readFileSync(path, 'utf8')}${lines.join('')}`)
  }

  it('is not run by reading, nor by making a commit, nor where an object is missing', async () => {
    signer = new UserSigner()
    const program = signer.program('planted', 'exit 0')
    signer.configure('')
    const [tip, tree, blob] = ['HEAD', 'HEAD^{tree}', 'HEAD:src/file-0.txt'].map(oidOf)
    const kept = readFileSync(join(repository.root, '.git/config'), 'utf8')
    plant(program)
    const before = { ...process.env }
    Object.assign(process.env, {
      GIT_DIR: '/nowhere',
      GIT_OBJECT_DIRECTORY: '/nowhere',
      GIT_EXTERNAL_DIFF: program,
      GIT_SSH_COMMAND: program,
      GIT_PAGER: program,
      GIT_CONFIG_PARAMETERS: `'gpg.program'='${program}'`,
    })
    try {
      const reader = openReader(repository.placement().commonDir, {})
      await reader.read(tip ?? '')
      const oid = await committedOid(commitLedger(repository.placement()))
      execFileSync('rm', ['-f', join(repository.root, objectFile(blob ?? ''))])
      await expect(reader.read(blob ?? '')).rejects.toMatchObject({
        reason: 'repository_unsupported',
      })
      expect(signer.hasRun('planted')).toBe(false)
      expect(repository.read(`.git/refs/heads/${BRANCH}`).trim()).toBe(oid)
    } finally {
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
    }
    writeFileSync(join(repository.root, '.git/config'), kept)
    expect(oidOf('HEAD~1^{tree}')).toBe(tree)
  })

  it('is read as it is, whatever stands in its place', async () => {
    repository.git('commit', '-q', '--allow-empty', '-m', 'Second')
    repository.git('replace', oidOf('HEAD'), oidOf('HEAD~1'))
    const graph = new CommitGraph(repository.placement().commonDir)
    const { parents } = await graph.commit(repository.tip())
    expect(parents).toHaveLength(1)
  })
})
