/** A git host reports a push: who may, what counts, and what it changes. */
import { createHmac, randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { PUSH_BYTES_MAX } from '#dist/hub/limits.js'
import { createToken } from '#dist/hub/access/tokens.js'
import { createWebhook, listWebhooks, revokeWebhook } from '#dist/hub/access/webhooks.js'
import { newCommit, openLink, request, startHub } from './support.ts'
import { runCli } from '../support/cli-in-process.ts'
import type { Answer } from './support.ts'

const sign = (body: string, secret: string): string =>
  createHmac('sha256', secret).update(body).digest('hex')
const JSON_TYPE = { 'Content-Type': 'application/json' }

type Headers = Record<string, string>

/** A hub that holds three commits of a project, a follower of it, and a webhook. */
async function withWebhook() {
  const { hub, dataDir, token } = await startHub()
  const link = await openLink(hub, token)
  const project_uuid = randomUUID()
  const commits = Array.from({ length: 3 }, () => newCommit({ project_uuid }))
  link.send(...commits.map((commit) => JSON.stringify(commit)))
  await link.take(3)
  link.send(JSON.stringify({ type: 'subscribe', project_uuid }))
  await link.take(2)
  const hashes = commits.map((commit) => commit['git_hash'] as string)
  const webhook = createWebhook({ dataDir, team: 'acme', project: project_uuid })
  const path = `/api/v1/webhooks/git/${webhook.webhook_id}`
  const post = (body: string, headers: Headers, to = path): Promise<Answer> =>
    request(hub, to, null, { method: 'POST', body, headers: { ...JSON_TYPE, ...headers } })
  const signed = (body: object | string, headers: Headers = {}): Promise<Answer> => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const signature = `sha256=${sign(text, webhook.secret)}`
    return post(text, { 'X-Hub-Signature-256': signature, 'X-GitHub-Event': 'push', ...headers })
  }
  const localOnly = async (as = token) => {
    const { body } = await request(hub, `/api/v1/local-only?project_uuid=${project_uuid}`, as)
    const found = body.commits as unknown as readonly { readonly git_hash: string }[]
    return found.map(({ git_hash }) => git_hash)
  }
  return { hub, dataDir, token, link, project_uuid, hashes, webhook, path, post, signed, localOnly }
}

describe('a push that a git host reports', () => {
  it('turns the commits that it names to pushed, once, and tells who follows', async () => {
    const { link, project_uuid, hashes, signed, localOnly } = await withWebhook()
    const [first = '', second = '', third = ''] = hashes
    const push = {
      ref: 'refs/heads/main',
      after: second,
      commits: [{ id: first, message: 'grün' }, { id: 'f'.repeat(40) }, { id: 7 }, null],
    }
    expect(await signed(push)).toMatchObject({ status: 200, body: { pushed: 2 } })
    const [told] = await link.take(1)
    expect(told).toMatchObject({ type: 'CommitsPushed', project_uuid })
    expect(new Set(told?.['git_hashes'] as string[])).toEqual(new Set([first, second]))
    expect(await localOnly()).toEqual([third])
    // Said again, it changes nothing.
    expect(await signed(push)).toMatchObject({ status: 200, body: { pushed: 0 } })
    const gone = { deleted: true, after: '0'.repeat(40), commits: [], head_commit: null }
    expect(await signed(gone)).toMatchObject({ status: 200, body: { pushed: 0 } })
    expect(await signed({ head_commit: { id: third } })).toMatchObject({ body: { pushed: 1 } })
    expect(await localOnly()).toEqual([])
  })

  it('is understood of Gitea and of GitLab, and other events of theirs count for nothing', async () => {
    const { hashes, webhook, post, signed, localOnly } = await withWebhook()
    const [first, second, third] = hashes
    const ping = JSON.stringify({ commits: [{ id: first }] })
    expect(await signed(ping, { 'X-GitHub-Event': 'ping' })).toMatchObject({ body: { pushed: 0 } })
    const plain = { 'X-Gitea-Signature': sign(ping, webhook.secret), 'X-Gitea-Event': 'push' }
    expect(await post(ping, plain)).toMatchObject({ status: 200, body: { pushed: 1 } })
    const pushed = JSON.stringify({ checkout_sha: second, commits: [{ id: third }] })
    const lab = { 'X-Gitlab-Token': webhook.secret, 'X-Gitlab-Event': 'Push Hook' }
    expect(await post(pushed, lab)).toMatchObject({ status: 200, body: { pushed: 2 } })
    expect(await localOnly()).toEqual([])
  })

  it('is refused without the secret, whatever else is right', async () => {
    const { dataDir, token, hashes, webhook, path, post, signed, localOnly } = await withWebhook()
    const body = JSON.stringify({ commits: hashes.map((id) => ({ id })) })
    const good = sign(body, webhook.secret)
    const other = createWebhook({ dataDir, team: 'acme', project: randomUUID() })
    const cases: readonly Headers[] = [
      {},
      { Authorization: `Bearer ${token}` },
      { 'X-Hub-Signature-256': good },
      { 'X-Hub-Signature-256': 'sha256=' },
      { 'X-Hub-Signature-256': `sha256=${good.slice(0, -2)}` },
      { 'X-Hub-Signature-256': `sha256=${good}00` },
      { 'X-Hub-Signature-256': `sha256=${sign(`${body} `, webhook.secret)}` },
      { 'X-Hub-Signature-256': `sha256=${sign(body, other.secret)}` },
      { 'X-Hub-Signature-256': `sha256=${sign(body, '')}` },
      { 'X-Gitea-Signature': sign(body, other.secret) },
      { 'X-Gitlab-Token': other.secret },
      // Who says both is judged by the secret, not by the better of the two.
      { 'X-Gitlab-Token': 'no', 'X-Hub-Signature-256': `sha256=${good}` },
    ]
    for (const headers of cases) {
      const { status, body: answer } = await post(body, headers)
      expect([headers, status, answer.error?.code]).toEqual([headers, 401, 'UNAUTHENTICATED'])
    }
    const nobody = '/api/v1/webhooks/git/whk_0000000000000000'
    for (const to of [nobody, `${path}/x`, `${path}?x`, '/api/v1/webhooks/git/']) {
      expect((await post(body, { 'X-Hub-Signature-256': `sha256=${good}` }, to)).status).toBe(401)
    }
    expect(await localOnly()).toEqual(hashes)
    revokeWebhook(dataDir, webhook.webhook_id)
    expect((await signed(body)).status).toBe(401)
    // The empty key that is left of it signs nothing.
    const empty = { 'X-Hub-Signature-256': `sha256=${sign(body, '')}` }
    expect((await post(body, empty)).status).toBe(401)
    expect((await post(body, { 'X-Gitlab-Token': '' })).status).toBe(401)
  })

  it('belongs to its team and project alone', async () => {
    const { hub, dataDir, project_uuid, hashes, signed, localOnly } = await withWebhook()
    const rival = createToken({ dataDir, team: 'rival', user: 'kim' })
    const theirs = await openLink(hub, rival)
    const [git_hash = ''] = hashes
    // The same commit, of a project of the same name.
    theirs.send(JSON.stringify(newCommit({ project_uuid, git_hash })))
    await theirs.take(1)
    expect(await signed({ after: git_hash })).toMatchObject({ body: { pushed: 1 } })
    expect(await localOnly(rival)).toEqual([git_hash])
  })

  it.each([
    ['a form', 'payload=%7B%7D', { 'Content-Type': 'application/x-www-form-urlencoded' }, 415],
    ['no JSON', '{', {}, 400],
    ['no object', '[]', {}, 400],
    ['odd members', '{"commits":{"id":1},"after":[],"head_commit":"x"}', {}, 200],
    ['more than a push has', ' '.repeat(PUSH_BYTES_MAX + 1), {}, 413],
  ])('of %s is answered, and harms nobody', async (_what, body, headers, status) => {
    const { hub, signed } = await withWebhook()
    expect((await signed(body, headers as Headers)).status).toBe(status)
    expect((await request(hub, '/health', null)).status).toBe(200)
  })

  it('names thousands of commits at once', async () => {
    const { signed, hashes } = await withWebhook()
    const many = Array.from({ length: 2_048 }, (_, at) => ({
      id: at.toString(16).padStart(40, 'a'),
    }))
    const [id] = hashes
    expect(await signed({ commits: [...many, { id }] })).toMatchObject({ body: { pushed: 1 } })
  })
})

describe('hub webhook', () => {
  it('shows a secret once, lists without it, and revokes', async () => {
    const { dataDir, webhook, project_uuid } = await withWebhook()
    const run = async (...args: string[]) => {
      const { out, code } = await runCli(dataDir, [
        'hub',
        'webhook',
        ...args,
        '--data',
        dataDir,
        '--json',
      ])
      return { code, document: JSON.parse(out) as Record<string, unknown> }
    }
    const created = await run('create', '--team', 'acme', '--project', project_uuid)
    expect(created.document).toMatchObject({
      ok: true,
      path: `/api/v1/webhooks/git/${String(created.document['webhook_id'])}`,
      secret: expect.stringMatching(/^kwh_/),
    })
    const listed = await run('list')
    expect(listed.document['webhooks']).toHaveLength(2)
    expect(JSON.stringify(listed.document)).not.toContain('kwh_')
    expect(await run('revoke', webhook.webhook_id)).toMatchObject({
      document: { ok: true, revoked_at: expect.any(String) },
    })
    expect(listWebhooks(dataDir).map(({ revoked_at }) => revoked_at === null)).toEqual([
      false,
      true,
    ])
    for (const [args, code] of [
      [['revoke', 'whk_0'], 'HUB_WEBHOOK_UNKNOWN'],
      [['create', '--team', 'a b', '--project', project_uuid], 'HUB_TEAM_INVALID'],
      [['create', '--team', 'acme', '--project', 'harbour'], 'HUB_PROJECT_INVALID'],
    ] as const) {
      expect((await run(...args)).document).toMatchObject({ ok: false, error: { code } })
    }
  })
})
