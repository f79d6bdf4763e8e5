// The rules: what must happen to mail, and what may. Floor 2, pure.
//
//   admit   what a verdict over incoming mail permits

export { type Admission, admit, type Finding } from "./rules/admit.ts";
