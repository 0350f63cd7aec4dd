/** Commits that a remote has: no longer local only, durably, for their own team, and told to who follows. */
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '#dist/contracts/json/json.js'
import { newCommit, newPushed, openLink, request, startHub } from './support.ts'
import type { TestLink } from './support.ts'

const text = (frame: JsonObject): string => JSON.stringify(frame)

async function announce(link: TestLink, project_uuid: string): Promise<string> {
  const commit = newCommit({ project_uuid })
  link.send(text(commit))
  expect(await link.take(1)).toMatchObject([{ type: 'LocalCommitAck' }])
  return commit['git_hash'] as string
}

describe('commits that were pushed', () => {
  it('are no longer local only, and each is told once to who follows', async () => {
    const { hub, token } = await startHub()
    const [link, follower] = [await openLink(hub, token), await openLink(hub, token)]
    const project_uuid = randomUUID()
    const hashes = [await announce(link, project_uuid), await announce(link, project_uuid)]
    await follower.take(2)
    follower.send(text({ type: 'subscribe', project_uuid }))
    const [subscribed] = await follower.take(2)
    expect(subscribed).toMatchObject({ snapshot: { local_only: [{}, {}] } })
    const first = newPushed(project_uuid, hashes.slice(0, 1))
    const both = newPushed(project_uuid, [...hashes, 'f'.repeat(40)])
    link.send(text(first), text(first), text(both))
    const ackOf = (frame: JsonObject, status: string) => {
      return { type: 'CommitsPushedAck', pushed_id: frame['pushed_id'], project_uuid, status }
    }
    expect(await link.take(3)).toEqual([
      ackOf(first, 'accepted'),
      ackOf(first, 'duplicate'),
      ackOf(both, 'accepted'),
    ])
    expect(await follower.take(2)).toEqual([
      { type: 'CommitsPushed', project_uuid, git_hashes: hashes.slice(0, 1) },
      { type: 'CommitsPushed', project_uuid, git_hashes: hashes.slice(1) },
    ])
    const { body } = await request(hub, `/api/v1/commits?project_uuid=${project_uuid}`, token)
    expect(body.commits).toMatchObject([{ local_only: false }, { local_only: false }])
  })

  it('that are not here are refused by name', async () => {
    const { hub, token } = await startHub()
    const link = await openLink(hub, token)
    const pushed = newPushed(randomUUID(), ['f'.repeat(40)])
    link.send(text(pushed), text({ ...pushed, git_hashes: [] }))
    const { pushed_id } = pushed
    expect(await link.take(2)).toMatchObject([
      { type: 'error', pushed_id, error_category: 'unknown_commit', retryable: false },
      { type: 'error', pushed_id, error_category: 'invalid_frame' },
    ])
  })
})
