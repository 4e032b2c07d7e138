# The server hands a new service over; the driver deploys it itself.
class ServiceLCM
  def initialize(*) = nil

  def deploy_nets_action(*) = nil
end
