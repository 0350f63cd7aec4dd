/** Checkouts that are at work. Source: the event contracts. */
import { anyText, closed, count, list, optional, text } from '../values/fields.ts'

export const build = {
  BuildRegistered: closed({
    repo_slug: optional(text),
    git_branch: optional(text),
    head_commit_sha: optional(text),
  }),
  BuildHeartbeat: closed({
    repo_slug: optional(text),
    git_branch: optional(text),
    head_commit_sha: optional(text),
    remote_head: optional(text),
    ahead_of_remote: optional(count),
    behind_remote: optional(count),
    recent_commits: optional(list(anyText)),
  }),
}
