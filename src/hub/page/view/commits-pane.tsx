/** Commits as they happen: those that are on one machine only, by person and machine, and those that a remote has. */
import { counted, visible } from '../../../page/text.ts'
import type { Dashboard } from '../dashboard.ts'
import type { CommitRow } from '../model/types.ts'
import { Empty, Hash, When } from './parts.tsx'

const PUSHED_SHOWN = 200

export function CommitsPane({ dashboard }: { readonly dashboard: Dashboard }) {
  const { commits } = dashboard.history
  if (commits.length === 0) {
    return (
      <Empty title="No commit yet">
        Each commit that touches <code>kitty-specs/</code> is here as soon as its link is live:{' '}
        <code>kittiwake sync run</code>
      </Empty>
    )
  }
  const local = commits.filter(({ local_only }) => local_only)
  const pushed = commits.filter(({ local_only }) => !local_only)
  return (
    <section class="column" aria-label="Commits">
      <h2 class="column-title">
        Local only <span class="faint">{local.length}</span>
      </h2>
      {local.length === 0 ? (
        <p class="empty">All that is known here is pushed.</p>
      ) : (
        [...byMachine(local)].map(([key, own]) => <Machine key={key} commits={own} />)
      )}
      <h2 class="column-title">
        Pushed <span class="faint">{pushed.length}</span>
      </h2>
      <ul class="commits">
        {pushed.slice(0, PUSHED_SHOWN).map((commit) => (
          <CommitLine key={commit.git_hash} commit={commit} isNamed />
        ))}
      </ul>
    </section>
  )
}

function Machine({ commits }: { readonly commits: readonly CommitRow[] }) {
  const [first] = commits
  if (first === undefined) return null
  return (
    <article class="machine">
      <h3>
        {whose(first)}
        <span class="faint small" title={first.build_id}>
          {' '}
          on machine {visible(first.build_id.slice(0, 8))}
        </span>
      </h3>
      <ul class="commits">
        {commits.map((commit) => (
          <CommitLine key={commit.git_hash} commit={commit} isNamed={false} />
        ))}
      </ul>
    </article>
  )
}

function CommitLine({
  commit,
  isNamed,
}: {
  readonly commit: CommitRow
  readonly isNamed: boolean
}) {
  const { git_hash, changed_files, committed_at, local_only } = commit
  return (
    <li class="commit" data-commit={git_hash}>
      <Hash hash={git_hash} />
      <span class="commit-files wrap" title={changed_files.map(visible).join('\n')}>
        {visible(changed_files[0] ?? '')}
        {changed_files.length > 1
          ? ` and ${counted(changed_files.length - 1, 'more file', 'more files')}`
          : ''}
      </span>
      <span class={`state ${local_only ? 'local' : 'pushed'}`}>
        {local_only ? 'local only' : 'pushed'}
      </span>
      <span class="faint small">
        {isNamed ? `${whose(commit)} · ` : ''}
        <When time={committed_at} />
      </span>
    </li>
  )
}

function whose({ user }: CommitRow): string {
  return user === undefined ? 'somebody' : visible(user)
}

function byMachine(commits: readonly CommitRow[]): ReadonlyMap<string, readonly CommitRow[]> {
  const found = new Map<string, CommitRow[]>()
  for (const commit of commits) {
    const key = `${commit.user ?? ''} ${commit.build_id}`
    found.set(key, [...(found.get(key) ?? []), commit])
  }
  return found
}
