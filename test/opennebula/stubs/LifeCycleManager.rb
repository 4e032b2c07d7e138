# The server passes a new service to this class; the driver deploys it itself.
class ServiceLCM
  def initialize(*) = nil

  def deploy_nets_action(*) = nil
end
