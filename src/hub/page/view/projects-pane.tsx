/** The team's projects, the one where something happened last first. */
import { count, counted } from '../../../page/text.ts'
import type { Dashboard } from '../dashboard.ts'
import { projectName } from '../model/words.ts'
import { Empty, Waiting, When } from './parts.tsx'

export function ProjectsPane({ dashboard }: { readonly dashboard: Dashboard }) {
  const { projects } = dashboard
  if (projects === null) return <Waiting fault={undefined} />
  if (projects.length === 0) {
    return (
      <Empty title="No project yet">
        In a repository: <code>kittiwake init</code>, then{' '}
        <code>kittiwake auth login --hub {location.origin}</code> and{' '}
        <code>kittiwake sync run</code>. It is here as soon as it has sent something.
      </Empty>
    )
  }
  return (
    <section class="projects" aria-label="Projects">
      {projects.map((project) => (
        <button
          key={project.project_uuid}
          type="button"
          class="project"
          onClick={() => dashboard.go({ project: project.project_uuid, mission: null })}
        >
          <h2 class="wrap">{projectName(project)}</h2>
          <dl>
            <div>
              <dt>missions</dt>
              <dd>{count(project.missions)}</dd>
            </div>
            <div>
              <dt>events</dt>
              <dd>{count(project.head)}</dd>
            </div>
            <div>
              <dt>local only</dt>
              <dd class={project.local_only > 0 ? 'accent' : ''}>{count(project.local_only)}</dd>
            </div>
          </dl>
          <p class="muted small">
            {project.last_at === null ? (
              `${counted(project.missions, 'mission')} of history`
            ) : (
              <>
                last heard of <When time={project.last_at} />
              </>
            )}
          </p>
        </button>
      ))}
    </section>
  )
}
