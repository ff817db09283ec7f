export { Dashboard, type DashboardPlace, type DashboardSource } from "./dashboard.js";
